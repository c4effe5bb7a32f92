
"use strict";
// Zooming, panning and pointing; without it the page is whole and still.
(() => {
  const WIDTH = 100000, MOST = 20000, NS = "http://www.w3.org/2000/svg";
  const units = [["s", 1e9], ["ms", 1e6], ["us", 1e3], ["ns", 1]];

  const duration = (ns) => {
    const [unit, size] = units.find(([, s]) => ns >= s) ?? units[3];
    return String(Math.round(ns * 1000 / size) / 1000) + unit;
  };

  const element = (kind, attributes, text) => {
    const made = document.createElementNS(NS, kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  const setUp = (figure) => {
    const time = figure.querySelector(".time"), labels = figure.querySelector(".labels");
    const axis = figure.querySelector(".axis"), hatch = figure.querySelector("pattern");
    const start = Number(figure.dataset.start), span = Math.max(Number(figure.dataset.end) - start, 1);
    const height = time.getAttribute("height");
    const bars = [];
    for (const box of time.querySelectorAll("rect, line")) {
      const title = box.querySelector("title");
      if (title) { box.dataset.told = title.textContent; title.remove(); }
      if (box.classList.contains("bar")) {
        bars.push({ x: Number(box.getAttribute("x")), w: Number(box.getAttribute("width")),
          y: Number(box.getAttribute("y")), name: box.dataset.name });
      }
    }
    const perCpu = bars.length / Math.max(Number(figure.dataset.cpus), 1);
    let from = 0, wide = WIDTH;

    const draw = () => {
      const pixels = time.clientWidth || 900, scale = pixels / wide;
      time.setAttribute("viewBox", `${from} 0 ${wide} ${height}`);
      hatch.setAttribute("patternTransform", `scale(${1 / scale} 1) rotate(45)`);
      time.classList.toggle("dense", perCpu * wide / WIDTH * 6 > pixels);
      const shown = [];
      for (const bar of bars) {
        const left = Math.max((bar.x - from) * scale, 0);
        const right = Math.min((bar.x + bar.w - from) * scale, pixels);
        if (right - left > 7 * bar.name.length + 6 && shown.length < 500) {
          shown.push(element("text", { x: left, y: bar.y + 17, dx: 4 }, bar.name));
        }
      }
      labels.replaceChildren(...shown);
      drawAxis(pixels, scale);
    };

    const drawAxis = (pixels, scale) => {
      const first = start + from * span / WIDTH, last = start + (from + wide) * span / WIDTH;
      const rough = Math.max((last - first) * 110 / pixels, 1), power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough);
      const made = [];
      for (let at = Math.ceil(first / step) * step; at <= last; at += step) {
        const x = ((at - start) * WIDTH / span - from) * scale;
        made.push(element("line", { x1: x, x2: x, y1: 0, y2: 5 }));
        made.push(element("text", { x, y: 17, class: x > pixels - 40 ? "last" : "" }, duration(at)));
      }
      axis.replaceChildren(...made);
    };

    const show = (newFrom, newWide) => {
      wide = Math.min(Math.max(newWide, WIDTH / MOST), WIDTH);
      from = Math.min(Math.max(newFrom, 0), WIDTH - wide);
      draw();
    };
    const zoom = (factor, at) => show(from + wide * at * (1 - factor), wide * factor);
    const where = (event) => {
      const box = time.getBoundingClientRect();
      return (event.clientX - box.left) / box.width;
    };

    const tools = document.createElement("div");
    tools.className = "tools";
    const actions = [["zoom in", () => zoom(0.5, 0.5)], ["zoom out", () => zoom(2, 0.5)],
      ["earlier", () => show(from - wide / 2, wide)], ["later", () => show(from + wide / 2, wide)],
      ["all", () => show(0, WIDTH)]];
    for (const [words, action] of actions) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.addEventListener("click", action);
      tools.append(button);
    }
    tools.append("drag to move, Ctrl and the wheel to zoom, or + - and the arrow keys");
    figure.querySelector("figcaption").after(tools);

    time.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, where(event));
    }, { passive: false });
    figure.addEventListener("keydown", (event) => {
      const keys = { "+": 0, "=": 0, "-": 1, ArrowLeft: 2, ArrowRight: 3, "0": 4 };
      if (event.key in keys && event.target === figure) {
        event.preventDefault();
        actions[keys[event.key]][1]();
      }
    });

    let held = null, same = [];
    time.addEventListener("pointerdown", (event) => {
      held = { at: where(event), from };
      time.setPointerCapture(event.pointerId);
    });
    time.addEventListener("pointerup", () => { held = null; });
    time.addEventListener("pointercancel", () => { held = null; });
    time.addEventListener("pointermove", (event) => {
      if (held) {
        show(held.from - (where(event) - held.at) * wide, wide);
        return;
      }
      const told = event.target.dataset.told;
      tip.hidden = !told;
      if (!told) return;
      tip.textContent = told;
      tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${event.clientY + 14}px`;
    });
    const mark = (task) => {
      for (const box of same) box.classList.remove("same");
      same = task ? [...time.getElementsByClassName(task)] : [];
      for (const box of same) box.classList.add("same");
    };
    time.addEventListener("pointerover", (event) => {
      mark([...(event.target.classList ?? [])].find((name) => /^t\d+$/.test(name)));
    });
    time.addEventListener("pointerleave", () => { tip.hidden = true; mark(undefined); });

    new ResizeObserver(draw).observe(time);
    draw();
  };

  document.querySelectorAll("figure.chart").forEach(setUp);
})();
