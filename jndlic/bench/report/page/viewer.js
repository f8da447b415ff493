// Two layers of one picture: with a line between them, in turn, or side by side; maps and errors over both. Data: {sources: [URI], pictures:
// [{name, width, height, thumb, rates: [{label, layers: [{name, caption, width, source, map, low, top, shades}]}]}]}; `source` is a number of
// `sources`. The first layer of a rate is the original, the second the codec under test.
"use strict";
(() => {
  const { pictures, sources } = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  if (!pictures.length) { find("see").hidden = true; return; }
  const ERROR = "error";
  const stage = find("stage"), slider = find("slider"), boxes = { left: find("under"), right: find("over") };
  // scale: CSS pixels of a pixel of the picture, 0 for all of it; x, y: place of its corner in a pane
  const state = { picture: 0, rate: 0, left: 0, right: 1, view: "line", swapped: false, line: 0.5, scale: 0, x: 0, y: 0, overlay: "" };
  const opacity = { map: 60, error: 100 };
  const now = () => pictures[state.picture];
  const layers = () => now().rates[state.rate].layers;
  const kind = () => (state.overlay === ERROR ? ERROR : "map");
  const pane = () => ({ width: stage.clientWidth / (state.view === "beside" ? 2 : 1), height: stage.clientHeight });
  const fit = () => Math.min(pane().width / now().width, pane().height / now().height);
  const scale = () => state.scale || fit();

  function place() {
    const { width, height } = pane(), size = scale(), device = size * devicePixelRatio;
    const round = (value) => Math.round(value * devicePixelRatio) / devicePixelRatio;
    const limit = (value, room, length) => (length <= room ? (room - length) / 2 : Math.min(0, Math.max(value, room - length)));
    state.x = limit(state.x, width, now().width * size);
    state.y = limit(state.y, height, now().height * size);
    for (const sheet of stage.querySelectorAll(".sheet")) {
      sheet.style.width = `${now().width}px`;
      sheet.style.height = `${now().height}px`;
      sheet.style.transform = `translate(${round(state.x)}px, ${round(state.y)}px) scale(${size})`;
      for (const image of sheet.querySelectorAll("img")) {
        image.style.transform = `scale(${now().width / (+image.dataset.width || now().width)})`;
        // Whole factors repeat pixels evenly; other small ones would not
        image.style.imageRendering = image.dataset.map || device > 1.5 || Math.abs(device - Math.round(device)) < 1e-6 ? "pixelated" : "auto";
      }
    }
    const shown = (box, on) => { boxes[box].style.visibility = on ? "visible" : "hidden"; find(`${box}-name`).hidden = !on; };
    stage.dataset.view = state.view;
    shown("left", state.view !== "flicker" || !state.swapped);
    shown("right", state.view !== "flicker" || state.swapped);
    find("over").style.clipPath = state.view === "line" ? `inset(0 0 0 ${state.line * 100}%)` : "none";
    find("line").hidden = slider.hidden = state.view !== "line";
    find("line").style.left = `${state.line * 100}%`;
    slider.value = Math.round(state.line * 1000);
    for (const button of find("views").children) button.setAttribute("aria-pressed", button.dataset.view === state.view);
    for (const button of find("zooms").children) {
      button.setAttribute("aria-pressed", +button.dataset.zoom ? Math.abs(state.scale * devicePixelRatio - button.dataset.zoom) < 1e-6 : !state.scale);
    }
  }

  function drawn(layer) {
    const image = new Image();
    image.draggable = false;
    image.alt = layer.name;
    image.dataset.width = layer.width;
    if (layer.map) image.dataset.map = "1";
    image.src = sources[layer.source];
    return image;
  }

  // What lies over a version: a map, or |version - original| made brighter
  function covering(layer) {
    const over = layers().find((other) => other.map && other.name === state.overlay);
    if (!over && (state.overlay !== ERROR || layer.map)) return [];
    const cover = document.createElement("div");
    cover.className = "cover";
    cover.style.opacity = opacity[kind()] / 100;
    if (over) { cover.append(drawn(over)); return [cover]; }
    const original = drawn(layers()[0]);
    original.className = "difference";
    cover.append(drawn(layer), original);
    cover.style.filter = `brightness(${find("gain").value})`;
    return [cover];
  }

  function show() {
    const picture = now(), options = (list, chosen) => list.map(([text, value]) => new Option(text, value, false, value === chosen));
    for (const side of ["left", "right"]) {
      state[side] = Math.min(state[side], layers().length - 1);
      const layer = layers()[state[side]];
      boxes[side].firstElementChild.replaceChildren(drawn(layer), ...covering(layer));
      find(`${side}-name`).textContent = layer.name;
      find(`${side}-caption`).textContent = layer.caption;
      find(side).replaceChildren(...options(layers().map((other, index) => [other.name, index]), state[side]));
    }
    const maps = layers().filter((layer) => layer.map), over = maps.find((layer) => layer.name === state.overlay);
    if (!over && state.overlay !== ERROR) state.overlay = "";
    find("overlay").replaceChildren(...options([["nothing", ""], ["error, amplified", ERROR], ...maps.map(({ name }) => [name, name])], state.overlay));
    find("gain-label").hidden = state.overlay !== ERROR;
    find("opacity-label").hidden = !state.overlay;
    find("opacity").value = opacity[kind()];
    find("scale").hidden = !over?.shades;
    if (over?.shades) {
      find("low").textContent = over.low;
      find("top").textContent = over.top;
      find("shades").style.background = `linear-gradient(90deg, ${over.shades.join(", ")})`;
    }
    find("overlay-caption").hidden = !state.overlay;
    find("overlay-caption").textContent = over ? `Over it: ${over.name}: ${over.caption}`
      : `Over it: difference of each version from the original in 8-bit levels of R, G and B, times ${find("gain").value}`;
    find("rate").replaceChildren(...options(picture.rates.map((rate, index) => [rate.label, index]), state.rate));
    [...find("thumbs").children].forEach((button, index) => button.setAttribute("aria-pressed", index === state.picture));
    stage.style.aspectRatio = `${picture.width * (state.view === "beside" ? 2 : 1)} / ${picture.height}`;
    place();
  }

  // To a scale; the point (x, y) of a pane stays where it is
  function zoomTo(next, x = pane().width / 2, y = pane().height / 2) {
    const before = scale();
    next = Math.min(32, next);
    state.scale = next <= Math.min(fit(), 1 / devicePixelRatio) ? 0 : next;
    const real = scale() / before;
    state.x = x - (x - state.x) * real;
    state.y = y - (y - state.y) * real;
    place();
  }
  const zoom = (factor, x, y) => zoomTo(scale() * factor, x, y);
  const devicePixels = (number) => { if (number) zoomTo(number / devicePixelRatio); else { state.scale = 0; place(); } };

  function move(line) { state.line = Math.min(1, Math.max(0, line)); place(); }
  function pan(x, y) { state.x += x; state.y += y; place(); }
  function look(view) {
    if (view === "flicker" && state.view === view) state.swapped = !state.swapped;
    const { width, height } = pane(), middle = [(width / 2 - state.x) / scale(), (height / 2 - state.y) / scale()];
    state.view = view;
    show(); // gives the stage its new shape
    state.x = pane().width / 2 - middle[0] * scale();
    state.y = pane().height / 2 - middle[1] * scale();
    place();
  }
  function next(side) { state[side] = (state[side] + 1) % layers().length; show(); }
  function cover(name) { state.overlay = name; show(); }
  function nextCover() {
    const names = ["", ...layers().filter((layer) => layer.map).map((layer) => layer.name)];
    cover(names[(names.indexOf(state.overlay) + 1) % names.length]);
  }

  const inPane = (event) => {
    const box = stage.getBoundingClientRect(), x = event.clientX - box.left;
    return [state.view === "beside" ? x % pane().width : x, event.clientY - box.top];
  };
  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    const still = scale() <= fit() * 1.001; // all is to be seen: there is nothing to move
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, line: state.view === "line" && (event.target.id === "line" || still) });
  });
  stage.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const box = stage.getBoundingClientRect();
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, value]) => value);
      const gap = (x, y) => Math.hypot(x - other.x, y - other.y) || 1;
      const middle = { clientX: (event.clientX + other.x) / 2, clientY: (event.clientY + other.y) / 2 };
      zoom(gap(event.clientX, event.clientY) / gap(finger.x, finger.y), ...inPane(middle));
    } else if (finger.line) {
      move((event.clientX - box.left) / box.width);
    } else {
      pan(event.clientX - finger.x, event.clientY - finger.y);
    }
    Object.assign(finger, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...inPane(event));
  }, { passive: false });
  stage.addEventListener("dblclick", () => devicePixels(0));
  const anywhere = {
    f: () => look("flicker"), l: () => look("line"), b: () => look("beside"), "+": () => zoom(1.25), "-": () => zoom(0.8),
    n: () => next("right"), m: () => next("left"), o: nextCover, e: () => cover(state.overlay === ERROR ? "" : ERROR),
    0: () => devicePixels(0), 1: () => devicePixels(1), 2: () => devicePixels(2), 4: () => devicePixels(4), 8: () => devicePixels(8),
  };
  const inFocus = { " ": anywhere.f, ArrowLeft: () => move(state.line - 0.02), ArrowRight: () => move(state.line + 0.02) };
  const STEP = 48; // CSS pixels
  const shifted = { ArrowLeft: () => pan(STEP, 0), ArrowRight: () => pan(-STEP, 0), ArrowUp: () => pan(0, STEP), ArrowDown: () => pan(0, -STEP) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("select, input")) return;
    const focused = event.target === stage;
    const act = (focused && (event.shiftKey ? shifted : inFocus)[event.key]) || anywhere[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  slider.addEventListener("input", () => move(slider.value / 1000));
  find("views").addEventListener("click", (event) => { if (event.target.dataset.view) look(event.target.dataset.view); });
  find("zooms").addEventListener("click", (event) => { if (event.target.dataset.zoom) devicePixels(+event.target.dataset.zoom); });
  find("overlay").addEventListener("change", (event) => cover(event.target.value));
  find("gain").addEventListener("change", show);
  find("opacity").addEventListener("input", (event) => {
    opacity[kind()] = +event.target.value;
    for (const one of stage.querySelectorAll(".cover")) one.style.opacity = event.target.value / 100;
  });
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
    button.addEventListener("click", () => {
      Object.assign(state, { picture: index, scale: 0 });
      state.rate = Math.min(state.rate, now().rates.length - 1);
      show();
    });
    find("thumbs").append(button);
  });
  find("thumbs").hidden = pictures.length < 2;
  addEventListener("resize", place);
  show();
})();
