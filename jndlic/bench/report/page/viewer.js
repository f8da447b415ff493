// Two layers of one picture with a line between them. Data: {pictures: [{name, width, height, rates: [{label, layers: [{name, caption, source,
// map}]}]}]}. The first layer of a rate is the original, the second the codec under test.
"use strict";
(() => {
  const { pictures } = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  if (!pictures.length) { find("see").hidden = true; return; }
  const stage = find("stage"), slider = find("slider");
  const state = { picture: 0, rate: 0, left: 0, right: 1, line: 0.5, zoom: 1, x: 0, y: 0 };
  const now = () => pictures[state.picture];
  const fit = () => stage.clientWidth / now().width;

  function place() {
    const limit = (value, size) => Math.min(0, Math.max(value, size - size * state.zoom));
    state.x = limit(state.x, stage.clientWidth);
    state.y = limit(state.y, stage.clientHeight);
    const scale = fit() * state.zoom;
    for (const image of stage.querySelectorAll("img")) {
      const own = now().width / (+image.dataset.width || now().width);
      image.style.transform = `translate(${state.x}px, ${state.y}px) scale(${scale * own})`;
      image.style.imageRendering = image.dataset.map || scale > 1.5 ? "pixelated" : "auto";
    }
    find("over").style.clipPath = `inset(0 0 0 ${state.line * 100}%)`;
    find("line").style.left = `${state.line * 100}%`;
    slider.value = Math.round(state.line * 1000);
  }

  function show() {
    const picture = now(), { layers } = picture.rates[state.rate];
    stage.style.aspectRatio = `${picture.width} / ${picture.height}`;
    for (const [side, box] of [["left", "under"], ["right", "over"]]) {
      state[side] = Math.min(state[side], layers.length - 1);
      const layer = layers[state[side]], image = new Image();
      image.draggable = false;
      image.alt = layer.name;
      image.dataset.width = layer.width;
      if (layer.map) image.dataset.map = "1";
      image.src = layer.source;
      find(box).replaceChildren(image);
      find(`${side}-name`).textContent = layer.name;
      find(`${side}-caption`).textContent = layer.caption;
      find(side).replaceChildren(...layers.map((other, index) => new Option(other.name, index, false, index === state[side])));
    }
    find("rate").replaceChildren(...picture.rates.map((rate, index) => new Option(rate.label, index, false, index === state.rate)));
    [...find("thumbs").children].forEach((button, index) => button.setAttribute("aria-selected", index === state.picture));
    place();
  }

  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const next = Math.min(32, Math.max(1, state.zoom * factor)), real = next / state.zoom;
    state.x = x - (x - state.x) * real;
    state.y = y - (y - state.y) * real;
    state.zoom = next;
    place();
  }

  function move(line) { state.line = Math.min(1, Math.max(0, line)); place(); }

  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, line: event.target.id === "line" || state.zoom === 1 });
  });
  stage.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const box = stage.getBoundingClientRect();
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, value]) => value);
      const gap = (x, y) => Math.hypot(x - other.x, y - other.y) || 1;
      zoom(gap(event.clientX, event.clientY) / gap(finger.x, finger.y), (event.clientX + other.x) / 2 - box.left, (event.clientY + other.y) / 2 - box.top);
    } else if (finger.line) {
      move((event.clientX - box.left) / box.width);
    } else {
      state.x += event.clientX - finger.x;
      state.y += event.clientY - finger.y;
      place();
    }
    Object.assign(finger, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  stage.addEventListener("dblclick", () => find("whole").click());
  stage.addEventListener("keydown", (event) => {
    const act = { ArrowLeft: () => move(state.line - 0.02), ArrowRight: () => move(state.line + 0.02), "+": () => zoom(1.25), "-": () => zoom(0.8) };
    if (act[event.key]) { event.preventDefault(); act[event.key](); }
  });
  slider.addEventListener("input", () => move(slider.value / 1000));
  find("actual").addEventListener("click", () => zoom(1 / (fit() * state.zoom * devicePixelRatio)));
  find("whole").addEventListener("click", () => { state.zoom = 1; place(); });
  for (const side of ["left", "right", "rate"]) {
    find(side).addEventListener("change", (event) => { state[side] = +event.target.value; show(); });
  }
  pictures.forEach((picture, index) => {
    const button = document.createElement("button"), image = new Image();
    button.type = "button";
    button.title = picture.name;
    image.src = picture.thumb;
    image.alt = picture.name;
    button.append(image);
    button.addEventListener("click", () => { Object.assign(state, { picture: index, zoom: 1 }); show(); });
    find("thumbs").append(button);
  });
  addEventListener("resize", place);
  show();
})();
