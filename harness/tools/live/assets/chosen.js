// Shows the cells that were chosen in the table together: their losses, their
// quality and samples along training. Pictures are uPlot's (uplot/LICENSE), which is
// loaded when the first cell is chosen. The server is asked again only after it
// told of a change, and every three seconds at most.
'use strict';
(() => {
  const $ = id => document.getElementById(id);
  const section = $('chosen'), all = $('chosen-all'), hint = $('chosen-hint');
  const loss = $('chosen-loss'), metric = $('chosen-metric'), seeds = $('chosen-seeds'), smooth = $('chosen-smooth'),
    logY = $('chosen-logy'), logX = $('chosen-logx'), problem = $('chosen-problem');
  const pause = 3000;
  let picks = [], most = 60, answer = null, step = null; // step: where the pointer is, null at the end

  document.documentElement.classList.add('js');
  section.hidden = false;

  // ---- the choice, which the address keeps

  const read = () => { picks = new URLSearchParams(location.search).getAll('pick'); };
  function keep() {
    const url = new URL(location.href);
    url.searchParams.delete('pick');
    for (const pick of picks) url.searchParams.append('pick', pick);
    history.replaceState(null, '', url.pathname + url.search + url.hash);
  }
  // check makes the boxes say what is chosen: rows move, and boxes with them.
  function check() {
    const boxes = [...document.querySelectorAll('input[data-pick]')];
    for (const box of boxes) box.checked = picks.includes(box.dataset.pick);
    const every = $('pick-all'), chosen = boxes.filter(box => box.checked).length;
    if (every) {
      every.checked = boxes.length > 0 && chosen === boxes.length;
      every.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  }
  function choose(wanted) {
    const over = wanted.length - most;
    picks = wanted.slice(0, most);
    keep();
    check();
    say(over > 0 ? `At most ${most} cells can be chosen; ${over} of these ${over === 1 ? 'was' : 'were'} left out.` : '');
    fetchSoon(0);
  }
  document.addEventListener('change', e => {
    const pick = e.target.dataset && e.target.dataset.pick;
    if (pick) choose(e.target.checked ? [...picks, pick] : picks.filter(p => p !== pick));
    if (e.target.id === 'pick-all') {
      const shown = [...document.querySelectorAll('input[data-pick]')].map(box => box.dataset.pick);
      const others = picks.filter(p => !shown.includes(p));
      choose(e.target.checked ? [...picks, ...shown.filter(p => !picks.includes(p))] : others);
    }
  });
  $('chosen-none').addEventListener('click', () => {
    choose([]);
    const first = document.querySelector('input[data-pick]');
    if (first) first.focus(); // the button is gone
  });

  // ---- what the server knows of it

  let timer = 0, asked = 0, turn = 0;
  function fetchSoon(wait) {
    if (timer && wait > 0) return;
    clearTimeout(timer);
    timer = setTimeout(fetchNow, wait);
  }
  async function fetchNow() {
    timer = 0;
    const mine = ++turn;
    if (!picks.length) {
      answer = null;
      show();
      return;
    }
    asked = Date.now();
    const query = new URLSearchParams(picks.map(pick => ['pick', pick]));
    if (loss.value) query.set('loss', loss.value);
    if (metric.value) query.set('metric', metric.value);
    try {
      const [reply] = await Promise.all([fetch('/chosen?' + query), library()]);
      if (!reply.ok) throw new Error(`the server answered ${reply.status}: ${await reply.text()}`);
      const got = await reply.json();
      if (mine !== turn) return; // another choice was made meanwhile
      if (failed) say('');
      failed = false;
      answer = got;
      most = got.most;
      show();
    } catch (error) {
      if (mine !== turn) return;
      failed = true;
      say(`The chosen cells cannot be shown: ${error.message}. Trying again in ten seconds.`);
      fetchSoon(10000);
    }
  }
  let failed = false;
  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
    if (text) all.hidden = false;
  }
  document.addEventListener('updated', e => {
    if (e.detail === 'cells') check();
    const concerns = ['cells', 'numbers', 'samples'].includes(e.detail) || e.detail === 'running' && answer && answer.live;
    if (concerns && picks.length && !document.hidden) fetchSoon(Math.max(pause - (Date.now() - asked), 1));
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && picks.length) fetchSoon(1); });
  addEventListener('popstate', () => { read(); check(); fetchSoon(0); });

  let loaded = null;
  function library() {
    loaded ||= new Promise((ready, fail) => {
      const at = name => `/assets/uplot/${name}?v=${document.documentElement.dataset.version}`;
      const style = document.createElement('link'), script = document.createElement('script');
      style.rel = 'stylesheet';
      style.href = at('uPlot.min.css');
      script.src = at('uPlot.min.js');
      script.onload = ready;
      script.onerror = () => { loaded = null; fail(new Error('the drawing library could not be loaded')); };
      document.head.append(style, script);
    });
    return loaded;
  }

  // ---- how a setting looks: colour, dash and mark all change from one to the next

  const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
  const marks = [
    (p, r) => p.arc(0, 0, r, 0, 7),
    (p, r) => p.rect(-r * .9, -r * .9, r * 1.8, r * 1.8),
    (p, r) => polygon(p, [[0, -1.25], [1.1, .8], [-1.1, .8]], r),
    (p, r) => polygon(p, [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], r),
    (p, r) => polygon(p, [[0, 1.25], [1.1, -.8], [-1.1, -.8]], r),
    (p, r) => polygon(p, [[-.4, -1.2], [.4, -1.2], [.4, -.4], [1.2, -.4], [1.2, .4], [.4, .4], [.4, 1.2], [-.4, 1.2], [-.4, .4], [-1.2, .4], [-1.2, -.4], [-.4, -.4]], r),
    (p, r) => polygon(p, [...Array(10).keys()].map(i => { const a = Math.PI * (i / 5 - .5), d = i % 2 ? .55 : 1.4; return [d * Math.cos(a), d * Math.sin(a)]; }), r),
  ];
  function polygon(p, corners, r) {
    corners.forEach(([x, y], i) => i ? p.lineTo(x * r, y * r) : p.moveTo(x * r, y * r));
    p.closePath();
  }
  const colours = 6;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = group => css('--c' + group % colours);
  function drawMark(canvas, group, x, y, r) {
    canvas.save();
    canvas.translate(x, y);
    canvas.beginPath();
    marks[group % marks.length](canvas, r);
    canvas.fillStyle = colour(group);
    canvas.fill();
    canvas.restore();
  }
  function swatch(group) {
    const c = document.createElement('canvas'), ratio = devicePixelRatio || 1, w = 34, h = 12;
    c.width = w * ratio;
    c.height = h * ratio;
    c.className = 'look';
    c.setAttribute('aria-hidden', 'true');
    const p = c.getContext('2d');
    p.scale(ratio, ratio);
    p.strokeStyle = colour(group);
    p.lineWidth = 2;
    p.setLineDash(dashes[group % dashes.length]);
    p.beginPath();
    p.moveTo(0, h / 2);
    p.lineTo(w, h / 2);
    p.stroke();
    drawMark(p, group, w / 2, h / 2, 4);
    return c;
  }

  // ---- numbers

  const digits = v => v === null || v === undefined || !isFinite(v) ? '' : Math.abs(v) >= 1e6 || v && Math.abs(v) < 1e-4 ? v.toExponential(3) : String(+v.toPrecision(4));
  const number = v => v !== null && v !== undefined;

  // smoothed is an exponential mean of what came before, corrected for its start.
  function smoothed(y, weight) {
    if (!weight) return y;
    let mean = 0, part = 1;
    return y.map(v => {
      if (!number(v)) return v;
      mean = weight * mean + (1 - weight) * v;
      part *= weight;
      return mean / (1 - part);
    });
  }
  // at is a line's value at a step, between its points by a straight line.
  function at(line, x) {
    const {x: xs, y: ys} = line;
    let hi = xs.findIndex(v => v >= x);
    if (hi < 0 || hi === 0 && xs[0] > x) return null;
    if (xs[hi] === x) return ys[hi];
    if (!number(ys[hi]) || !number(ys[hi - 1])) return null;
    return ys[hi - 1] + (ys[hi] - ys[hi - 1]) * (x - xs[hi - 1]) / (xs[hi] - xs[hi - 1]);
  }
  // near is the value of the point that is nearest to a step, or of the last one.
  function near(line, x) {
    let best = null, away = Infinity;
    line.x.forEach((v, i) => {
      if (number(line.y[i]) && (x === null || Math.abs(v - x) <= away)) [best, away] = [i, Math.abs(v - x)];
    });
    return best === null ? null : {x: line.x[best], y: line.y[best]};
  }
  // lines are what is drawn of some series: each seed, or mean, least and most.
  function lines(series, weight) {
    const own = series.map(s => ({group: answer.cells[s.cell].group, x: s.x, y: smoothed(s.y, weight)}));
    if (seeds.value === 'each') return own;
    const out = [];
    for (const group of new Set(own.map(l => l.group))) {
      const of = own.filter(l => l.group === group);
      if (of.length === 1) {
        out.push(of[0]);
        continue;
      }
      const from = Math.max(...of.map(l => l.x[0])), to = Math.min(...of.map(l => l.x[l.x.length - 1]));
      const mean = {group, x: [], y: []}, least = {group, edge: true, x: [], y: []}, greatest = {group, edge: true, x: [], y: []};
      for (const x of of[0].x.filter(v => v >= from && v <= to)) {
        const values = of.map(l => at(l, x)).filter(number);
        if (values.length < of.length) continue;
        for (const l of [mean, least, greatest]) l.x.push(x);
        mean.y.push(values.reduce((a, b) => a + b) / values.length);
        least.y.push(Math.min(...values));
        greatest.y.push(Math.max(...values));
      }
      out.push(mean, greatest, least);
    }
    return out;
  }

  // ---- the pictures

  const pictures = {};
  let dropped = 0; // values that have no place on a log axis

  function ticks(low, high) { // of a log axis: 1, 2, 5 and tens, or even ones where that is too few
    const out = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
      for (const f of [1, 2, 5]) {
        const v = f * 10 ** e;
        if (v >= low && v <= high) out.push(v);
      }
    if (out.length > 8) return out.filter(v => /^1/.test(v.toExponential()));
    if (out.length >= 2) return out;
    const size = 10 ** Math.floor(Math.log10((high - low) / 2)), even = [];
    for (let v = Math.ceil(low / size) * size; v <= high; v += size) even.push(+v.toPrecision(6));
    return even.length > 8 ? even.filter((_, i) => i % 2 === 0) : even;
  }

  // draw makes a picture of lines, in the place of the one before. often: a mark on
  // every point.
  function draw(place, list, {often, label, title}) {
    if (pictures[place]) pictures[place].destroy();
    delete pictures[place];
    const box = $(place);
    box.replaceChildren();
    $(place + '-title').textContent = title;
    const drawn = list.map(l => ({...l, y: l.y.map((v, i) => {
      const off = number(v) && (logY.checked && v <= 0 || logX.checked && l.x[i] <= 0);
      dropped += off;
      return off ? null : v;
    })})).filter(l => l.y.some(number));
    if (!drawn.length) {
      const p = document.createElement('p');
      p.className = 'more';
      p.textContent = `Nothing to draw: no chosen cell has ${label} yet.`;
      box.append(p);
      return;
    }
    const soft = css('--soft'), rule = css('--rule'), font = '13px ' + getComputedStyle(document.body).fontFamily;
    const log = on => on ? {distr: 3, range: (u, low, high) => low < high ? [low / 1.04, high * 1.04] : [low / 2, high * 2]} : {};
    const axis = (on, more) => ({stroke: soft, grid: {stroke: rule, width: 1}, ticks: {stroke: rule, width: 1}, font, labelFont: font,
      labelSize: 20, values: (u, list) => list.map(v => v === null ? '' : v >= 1e4 && v % 1e3 === 0 ? v / 1e3 + 'k' : digits(v)),
      ...(on ? {splits: (u, i, low, high) => ticks(low, high), filter: (u, list) => list} : {}), ...more});
    const height = Math.max(240, Math.min(340, box.clientWidth * .62));
    const bands = [];
    drawn.forEach((l, i) => { if (l.edge && drawn[i + 1] && drawn[i + 1].edge && drawn[i + 1].group === l.group && drawn[i - 1] && !drawn[i - 1].edge) bands.push({series: [i + 1, i + 2], fill: colour(l.group) + '30'}); });
    const picture = new uPlot({
      width: box.clientWidth, height, legend: {show: false}, bands, focus: {alpha: .25}, padding: [10, 24, 0, 0],
      scales: {x: {time: false, ...log(logX.checked)}, y: log(logY.checked)},
      axes: [axis(logX.checked, {label: 'training step'}), axis(logY.checked, {size: 58})],
      cursor: {y: false, drag: {x: true, y: false}, focus: {prox: 28}, points: {size: 7},
        dataIdx: (u, i, at) => nearestIndex(u, i, at)},
      series: [{}, ...drawn.map(l => ({stroke: colour(l.group), width: l.edge ? 0 : 1.75, dash: l.edge ? [] : dashes[l.group % dashes.length],
        points: {show: false}}))],
      hooks: {
        setCursor: [u => { if (u.cursor.left >= 0 && u.root.matches(':hover, :focus-within')) point(place, u.posToVal(u.cursor.left, 'x')); }],
        setSeries: [(u, i) => highlight(i === null || !drawn[i - 1] ? null : drawn[i - 1].group)],
        drawSeries: [(u, i) => { if (drawn[i - 1] && !drawn[i - 1].edge) along(u, i, drawn[i - 1].group, often); }],
      },
    }, uPlot.join(drawn.map(l => [l.x, l.y])), box);
    picture.over.addEventListener('mouseleave', () => { point(place, null); highlight(null); });
    pictures[place] = picture;
  }
  function nearestIndex(u, i, from) {
    const xs = u.data[0], ys = u.data[i];
    if (i === 0 || number(ys[from])) return from;
    let left = from, right = from;
    while (left >= 0 && !number(ys[left])) left--;
    while (right < ys.length && !number(ys[right])) right++;
    if (left < 0 || right >= ys.length) return from; // beyond its ends a line has no value
    return xs[from] - xs[left] <= xs[right] - xs[from] ? left : right;
  }
  // along puts marks on a line: on every point, or so that those of two lines that
  // lie on each other can be told apart.
  function along(u, i, group, often) {
    const p = u.ctx, ratio = devicePixelRatio || 1, apart = 90 * ratio;
    const xs = u.data[0], ys = u.data[i];
    let next = u.bbox.left + (group * 37 * ratio) % apart;
    p.save();
    p.globalAlpha = u.series[i].alpha;
    for (let k = 0; k < xs.length; k++) {
      if (!number(ys[k])) continue;
      const x = u.valToPos(xs[k], 'x', true), y = u.valToPos(ys[k], 'y', true);
      if (!often && x < next || x < u.bbox.left - 1 || x > u.bbox.left + u.bbox.width + 1) continue;
      drawMark(p, group, x, y, (often ? 4.2 : 3.6) * ratio);
      while (next <= x) next += apart;
    }
    p.restore();
  }

  // point says at which step the pointer is, in one picture; the other follows.
  function point(place, at) {
    step = at;
    for (const [other, u] of Object.entries(pictures)) {
      if (other === place) continue;
      const scale = u.scales.x, inside = at !== null && at >= scale.min && at <= scale.max;
      u.setCursor({left: inside ? u.valToPos(at, 'x') : -10, top: inside ? 10 : -10}, false);
    }
    values();
  }
  for (const place of ['chosen-curves', 'chosen-stops']) {
    $(place).addEventListener('keydown', e => {
      const u = pictures[place];
      if (!u || e.ctrlKey || e.altKey || e.metaKey) return;
      const xs = u.data[0], now = step === null ? xs.length - 1 : xs.reduce((best, v, i) => Math.abs(v - step) < Math.abs(xs[best] - step) ? i : best, 0);
      const to = {ArrowLeft: now - (e.shiftKey ? 10 : 1), ArrowRight: now + (e.shiftKey ? 10 : 1), Home: 0, End: xs.length - 1}[e.key];
      if (e.key === 'Escape') point(null, null);
      if (to === undefined) return;
      e.preventDefault();
      const x = xs[Math.max(0, Math.min(xs.length - 1, to))];
      u.setCursor({left: u.valToPos(x, 'x'), top: 10}, false);
      point(place, x);
    });
    $(place).addEventListener('blur', () => point(null, null));
    new ResizeObserver(() => {
      const u = pictures[place], width = $(place).clientWidth;
      if (u && width && width !== u.width) u.setSize({width, height: Math.max(240, Math.min(340, width * .62))});
    }).observe($(place));
  }

  // ---- the values under the pointer

  let columns = [];
  function values() {
    const body = document.querySelector('#chosen-values tbody');
    if (!body || !answer) return;
    columns.forEach((c, k) => {
      const head = document.querySelector(`#chosen-values thead th:nth-child(${k + 3})`);
      head.textContent = c.label + (step === null ? ', last' : ` near step ${Math.round(step)}`);
      [...body.rows].forEach(row => {
        const of = c.series.filter(s => answer.cells[s.cell].group === +row.dataset.group).map(s => near(s, step)).filter(v => v);
        const list = of.map(v => v.y), mean = list.reduce((a, b) => a + b, 0) / list.length;
        const text = !list.length ? '' : list.length === 1 ? digits(list[0]) : `${digits(mean)} (${digits(Math.min(...list))} to ${digits(Math.max(...list))})`;
        if (row.cells[k + 2].textContent !== text) row.cells[k + 2].textContent = text;
      });
    });
  }
  function highlight(group) {
    for (const row of document.querySelectorAll('#chosen-values tbody tr')) row.classList.toggle('near', +row.dataset.group === group);
  }
  function table() {
    const place = $('chosen-values'), names = [];
    for (const c of answer.cells) (names[c.group] ||= {name: c.name, seeds: []}).seeds.push(c.seed);
    const make = (tag, text, more) => Object.assign(document.createElement(tag), {textContent: text}, more);
    const t = document.createElement('table'), head = t.createTHead().insertRow(), body = t.createTBody();
    t.className = 'values';
    for (const text of ['cell', 'seeds', ...columns.map(() => '')]) head.append(make('th', text, {scope: 'col'}));
    names.forEach((of, group) => {
      const row = body.insertRow(), name = make('th', '', {scope: 'row'});
      row.dataset.group = group;
      name.append(swatch(group), of.name);
      row.append(name, make('td', of.seeds.length > 6 ? `${of.seeds.length} seeds` : of.seeds.sort((a, b) => a - b).join(', ')), ...columns.map(() => make('td', '')));
    });
    place.replaceChildren(t);
    values();
  }

  // ---- samples

  let strips = '';
  function samples() {
    const now = JSON.stringify([answer.samples, answer.cells]);
    if (now === strips) return; // pictures that are there stay
    strips = now;
    const place = $('chosen-samples');
    place.replaceChildren();
    if (!answer.samples.length) return;
    const title = document.createElement('h3');
    title.textContent = answer.samples.some(s => s.grids.some(g => g.step)) ? 'Samples along training' : 'Samples';
    place.append(title);
    for (const s of answer.samples) {
      const of = answer.cells[s.cell], name = `${of.name}, seed ${of.seed}`;
      const block = document.createElement('div'), caption = document.createElement('p'), list = document.createElement('ul');
      block.className = 'strip';
      caption.append(swatch(of.group), name);
      for (const g of s.grids) {
        const item = document.createElement('li'), link = document.createElement('a'), image = document.createElement('img');
        link.href = image.src = g.url;
        image.loading = 'lazy';
        image.alt = `Samples of ${name}` + (g.step ? ` after ${g.step} steps` : '');
        link.append(image);
        item.append(link);
        if (g.step) item.append(Object.assign(document.createElement('p'), {textContent: `step ${g.step}`}));
        list.append(item);
      }
      block.append(caption, list);
      place.append(block);
    }
  }

  // ---- all of it

  function options(select, list, chosen) {
    const text = JSON.stringify(list);
    if (select.dataset.list !== text) {
      select.dataset.list = text;
      select.replaceChildren(...list.map(o => new Option(o.label, o.name)));
    }
    select.value = chosen;
  }
  const labelOf = (list, name) => (list.find(o => o.name === name) || {label: name}).label;

  // wide says that losses differ by more than a factor of ten: then a log axis is what
  // shows them, unless a reader has said otherwise.
  let untouched = true;
  function wide() {
    const all = answer.curves.flatMap(c => c.y.filter(number));
    const [least, greatest] = all.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    return least > 0 && greatest > 10 * least;
  }

  function show() {
    const any = answer && answer.cells.length > 0;
    all.hidden = !answer && problem.hidden;
    hint.hidden = Boolean(any);
    $('chosen-title').textContent = any ? `Chosen cells (${picks.length})` : 'Chosen cells';
    if (!answer) {
      strips = '';
      $('chosen-values').replaceChildren();
      $('chosen-samples').replaceChildren();
      return;
    }
    if (untouched) logY.checked = wide();
    options(loss, answer.losses, answer.loss);
    options(metric, answer.metrics, answer.metric);
    const stops = answer.metrics.length > 0;
    $('chosen-metric-label').hidden = $('chosen-stops-figure').hidden = !stops;
    $('chosen-smooth-value').textContent = +smooth.value ? (smooth.value / 100).toFixed(2) : 'off';
    const lossName = labelOf(answer.losses, answer.loss), metricName = labelOf(answer.metrics, answer.metric);
    const scale = (logY.checked ? ', log scale' : '') + (seeds.value === 'mean' ? ', mean and range of seeds' : '');
    dropped = 0;
    draw('chosen-curves', lines(answer.curves, smooth.value / 100), {label: lossName, title: `${lossName} over steps${+smooth.value ? ', smoothed' : ''}${scale}`});
    columns = [{label: lossName, series: answer.curves}];
    if (stops) {
      draw('chosen-stops', lines(answer.stops, 0), {often: true, label: metricName, title: `${metricName} along training${scale}`});
      columns.push({label: metricName, series: answer.stops});
    }
    table();
    samples();
    const notes = [...answer.notes];
    if (dropped) notes.push(`${dropped} values are not positive and have no place on a log axis.`);
    if (!stops) notes.push('These cells have no stops (train.evaluate), so there is no quality along training.');
    if ($('chosen-notes').textContent !== notes.join(' ')) $('chosen-notes').textContent = notes.join(' ');
  }

  logY.addEventListener('input', () => { untouched = false; });
  for (const control of [seeds, smooth, logY, logX]) control.addEventListener('input', () => { if (answer) show(); });
  for (const control of [loss, metric]) control.addEventListener('change', () => fetchSoon(0));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { strips = ''; if (answer) show(); });

  read();
  check();
  if (picks.length) fetchSoon(0);
})();
