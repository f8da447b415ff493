// Draws the rate-distortion curves of one metric as SVG. Data: {curves: [{name, colour, published, points: {bpp: [...], METRIC: [...]}}],
// metrics: [{name, title, lower}]}.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const width = 1100, height = 480, margin = { left: 64, right: 20, top: 20, bottom: 48 };
  const plot = document.getElementById("plot"), reading = document.getElementById("point");
  const make = (name, attributes, parent, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return parent.appendChild(node);
  };
  const valuesOf = (curve, metric) => curve.points.bpp
    .map((bpp, index) => ({ bpp, value: curve.points[metric]?.[index], level: curve.points.quality?.[index] }))
    .filter((point) => Number.isFinite(point.value));

  function draw(metric) {
    const tested = valuesOf(data.curves[0], metric.name);
    const bits = data.curves[0].points.bpp, low = Math.min(...bits) * 0.8, high = Math.max(...bits) * 1.25;
    const span = tested.map((point) => point.value);
    let bottom = Math.min(...span), top = Math.max(...span);
    const air = 0.08 * (top - bottom || 1);
    bottom -= air; top += air;
    const x = (bpp) => margin.left + (Math.log(bpp / low) / Math.log(high / low)) * (width - margin.left - margin.right);
    const y = (value) => {
      const share = (value - bottom) / (top - bottom);
      return margin.top + (metric.lower ? share : 1 - share) * (height - margin.top - margin.bottom);
    };
    plot.replaceChildren();
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "data-metric": metric.name }, plot);
    const clip = make("clipPath", { id: "frame" }, make("defs", {}, svg));
    make("rect", { x: margin.left, y: margin.top, width: width - margin.left - margin.right, height: height - margin.top - margin.bottom }, clip);
    for (const tick of [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8].filter((bpp) => bpp > low && bpp < high)) {
      make("line", { x1: x(tick), x2: x(tick), y1: margin.top, y2: height - margin.bottom, stroke: "#8884", "stroke-width": 1 }, svg);
      make("text", { x: x(tick), y: height - margin.bottom + 20, "text-anchor": "middle" }, svg, tick);
    }
    const raw = (top - bottom) / 9, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find((n) => n * power >= raw) * power;
    for (let tick = Math.ceil(bottom / step) * step; tick < top; tick += step) {
      make("line", { x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick), stroke: "#8884", "stroke-width": 1 }, svg);
      make("text", { x: margin.left - 8, y: y(tick) + 4, "text-anchor": "end" }, svg, +tick.toPrecision(6));
    }
    make("text", { x: (margin.left + width) / 2, y: height - 8, "text-anchor": "middle" }, svg, "bits per pixel");
    const area = make("g", { "clip-path": "url(#frame)" }, svg);
    for (const [index, curve] of [...data.curves.entries()].reverse()) {
      const points = valuesOf(curve, metric.name);
      const path = points.map((point, number) => `${number ? "L" : "M"}${x(point.bpp).toFixed(1)} ${y(point.value).toFixed(1)}`).join("");
      make("path", {
        d: path, fill: "none", stroke: curve.colour, "stroke-width": index ? 2 : 3.5, "stroke-dasharray": curve.published ? "7 5" : "none",
      }, area);
      for (const point of points) {
        const dot = make("circle", { cx: x(point.bpp), cy: y(point.value), r: index ? 4 : 5, fill: curve.colour }, area);
        const level = point.level === undefined ? "" : `, level ${point.level}`;
        dot.addEventListener("pointerenter", () => {
          reading.textContent = `${curve.name}${level}: ${point.bpp.toFixed(3)} bpp, ${metric.title} ${+point.value.toPrecision(5)}`;
        });
      }
    }
  }

  const tabs = document.getElementById("metrics");
  data.metrics.forEach((metric, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = metric.title;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => {
      for (const other of tabs.children) other.setAttribute("aria-selected", other === button);
      draw(metric);
    });
    tabs.append(button);
    if (index === data.first) button.click();
  });
  const legend = document.getElementById("legend");
  for (const curve of data.curves) {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.borderTopColor = curve.colour;
    mark.style.borderTopStyle = curve.published ? "dashed" : "solid";
    item.append(mark, curve.name);
    legend.append(item);
  }
})();
