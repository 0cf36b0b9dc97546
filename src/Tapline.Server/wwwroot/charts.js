// Curves. Loads the ECharts bundle once, as a plain script of this host: nothing here evaluates text as code, tooltips
// are drawn on the canvas, so the names of points and VMs never become markup.
const bundle = "./_content/Vizor.ECharts/js/vizor-echarts-bundle-min.js";
const seriesMax = 8;
let loading;

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = bundle;
    script.onload = () => resolve(globalThis.echarts);
    script.onerror = () => reject(new Error("the chart library did not load"));
    document.head.append(script);
  });
  return loading;
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    text: get("--text"), quiet: get("--quiet"), rule: get("--rule"), card: get("--card"),
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => get(`--series-${n}`)),
  };
}

function short(value) {
  const units = ["", " k", " M", " G", " T"];
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return (value >= 100 || value === 0 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)) + units[unit];
}

/** What travels is {names, samples: [{t, bits, frames}]}; here each sample is {t, bits, frames} by name. */
function unpack(wire) {
  return wire.samples.map((s) => ({
    t: s.t,
    bits: new Map(wire.names.map((name, i) => [name, s.bits[i]])),
    frames: new Map(wire.names.map((name, i) => [name, s.frames[i]])),
  }));
}

/** A stacked curve of each point's rate: the busiest by name, the others as one, so that the height is the sum of all. */
export async function rateChart(element, metric, samplesMax, history) {
  const echarts = await load();
  const chart = echarts.init(element, null, { renderer: "canvas" });
  let samples = unpack(history);
  // A point keeps its colour for as long as the page is open.
  const order = [];
  let others = 0;

  function shown() {
    const sums = new Map();
    for (const sample of samples) {
      sample[metric].forEach((rate, name) => sums.set(name, (sums.get(name) ?? 0) + rate));
    }
    others = Math.max(0, sums.size - seriesMax);
    const top = [...sums.entries()].sort((a, b) => b[1] - a[1]).slice(0, seriesMax).map((e) => e[0]);
    for (const name of top) {
      if (!order.includes(name)) {
        order.push(name);
      }
    }
    return order.filter((name) => top.includes(name));
  }

  function draw() {
    const c = colours();
    const names = shown();
    const rest = `${others} quieter points`;
    const series = names.map((name) => ({
      name, color: c.series[order.indexOf(name) % seriesMax], data: samples.map((s) => [s.t, s[metric].get(name) ?? 0]),
    }));
    if (others > 0) {
      series.push({
        name: rest, color: c.quiet, data: samples.map((s) => {
          let sum = 0;
          s[metric].forEach((rate, name) => { sum += names.includes(name) ? 0 : rate; });
          return [s.t, sum];
        }),
      });
    }
    const end = samples.length ? samples[samples.length - 1].t : Date.now();
    chart.setOption({
      animation: false,
      color: c.series,
      textStyle: { fontFamily: "system-ui, sans-serif" },
      grid: { left: 8, right: 12, top: 34, bottom: 4, containLabel: true },
      legend: {
        top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 14, type: "scroll",
        textStyle: { color: c.text, fontSize: 12 }, inactiveColor: c.quiet, pageIconColor: c.quiet,
        pageTextStyle: { color: c.quiet },
      },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, order: "valueDesc",
        backgroundColor: c.card, borderColor: c.rule, textStyle: { color: c.text, fontSize: 12 },
        valueFormatter: (value) => `${short(value)}${metric === "bits" ? "bit/s" : " frames/s"}`,
        axisPointer: { lineStyle: { color: c.quiet } },
      },
      xAxis: {
        type: "time", min: end - Math.max(60000, samples.length ? end - samples[0].t : 0), max: end,
        axisLine: { lineStyle: { color: c.rule } }, axisTick: { show: false }, splitLine: { show: false },
        axisLabel: { color: c.quiet, hideOverlap: true, formatter: "{HH}:{mm}:{ss}" },
      },
      yAxis: {
        type: "value", axisLabel: { color: c.quiet, formatter: short }, splitLine: { lineStyle: { color: c.rule } },
      },
      series: series.map((one) => ({
        ...one, type: "line", stack: "all", symbol: "none", smooth: 0.25, lineStyle: { width: 1.4 },
        areaStyle: { opacity: 0.22 }, emphasis: { focus: "series" },
      })),
    }, { replaceMerge: ["series"] });
  }

  const resize = new ResizeObserver(() => chart.resize());
  resize.observe(element);
  const theme = new MutationObserver(draw);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", draw);
  draw();

  return {
    push(newest) {
      samples = samples.concat(unpack(newest)).slice(-samplesMax);
      if (!document.hidden) {
        draw();
      }
    },
    use(other) {
      metric = other;
      draw();
    },
    dispose() {
      resize.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", draw);
      chart.dispose();
    },
  };
}
