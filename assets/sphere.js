// Names in space, drawn by WebGL 2: thousands of small signs on a turning sphere or a waving wall. One texture holds all names, one call
// draws them all. Knows nothing of draws.

const VERTEX = `#version 300 es
precision highp float;
layout(location = 0) in vec2 corner;
layout(location = 1) in vec3 ball;
layout(location = 2) in vec2 wall;
layout(location = 3) in vec3 cell;
uniform float time, turn, mixing, aspect, size;
out vec2 place;
out float light;
out float page;
void main() {
  float c = cos(turn), s = sin(turn);
  vec3 p = vec3(ball.x * c + ball.z * s, ball.y, ball.z * c - ball.x * s);
  vec3 w = vec3(wall.x * 1.9 * aspect, wall.y * 1.9, -0.2 + 0.16 * sin(wall.x * 5.0 + time * 1.7) * cos(wall.y * 4.0 + time));
  p = mix(p, w, mixing);
  float depth = 3.2 - p.z;
  vec2 at = p.xy * 2.1 / depth;
  vec2 half_ = corner * vec2(size * 3.6, size) * 2.1 / depth;
  gl_Position = vec4((at.x + half_.x) / aspect, at.y + half_.y, 0.0, 1.0);
  place = cell.xy + (corner * vec2(0.5, -0.5) + 0.5) * vec2(CELL_W, CELL_H);
  page = cell.z;
  light = mix(smoothstep(-1.1, 1.0, p.z), 0.75 + 0.25 * sin(wall.x * 5.0 + time * 1.7), mixing);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
precision mediump sampler2DArray;
in vec2 place;
in float light;
in float page;
uniform sampler2DArray names;
uniform vec3 ink;
out vec4 color;
void main() {
  float alpha = texture(names, vec3(place, page)).r * (0.12 + 0.88 * light);
  if (alpha < 0.02) discard;
  color = vec4(ink * alpha, alpha);
}`;

const SIDE = 2048;
const CELL = [144, 40];
const ACROSS = Math.floor(SIDE / CELL[0]);
const DOWN = Math.floor(SIDE / CELL[1]);

/** Writes names into pages of a texture. */
function write(gl, names) {
  const each = ACROSS * DOWN;
  const pages = Math.max(1, Math.ceil(names.length / each));
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D_ARRAY, texture);
  gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.R8, SIDE, SIDE, pages);
  gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  const paper = document.createElement("canvas");
  paper.width = paper.height = SIDE;
  const pen = paper.getContext("2d", { willReadFrequently: true });
  pen.font = `600 28px ${getComputedStyle(document.body).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const cells = new Float32Array(names.length * 3);
  for (let page = 0; page < pages; page += 1) {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.fillStyle = "#fff";
    for (let at = page * each; at < Math.min(names.length, (page + 1) * each); at += 1) {
      const column = (at % each) % ACROSS;
      const row = Math.floor((at % each) / ACROSS);
      pen.fillText(names[at], (column + 0.5) * CELL[0], (row + 0.5) * CELL[1], CELL[0] - 6);
      cells.set([(column * CELL[0]) / SIDE, (row * CELL[1]) / SIDE, page], at * 3);
    }
    gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, 0, page, SIDE, SIDE, 1, gl.RED, gl.UNSIGNED_BYTE, paper);
  }
  return { texture, cells };
}

/** Places on a ball (a golden spiral) and on a wall. */
function lay(count) {
  const ball = new Float32Array(count * 3);
  const wall = new Float32Array(count * 2);
  const across = Math.max(1, Math.ceil(Math.sqrt(count * 0.5)));
  const down = Math.max(1, Math.ceil(count / across));
  for (let at = 0; at < count; at += 1) {
    const y = count > 1 ? 1 - (2 * at) / (count - 1) : 0;
    const radius = Math.sqrt(Math.max(0, 1 - y * y));
    const angle = at * Math.PI * (3 - Math.sqrt(5));
    ball.set([Math.cos(angle) * radius, y, Math.sin(angle) * radius], at * 3);
    wall.set([((at % across) + 0.5) / across * 2 - 1, (Math.floor(at / across) + 0.5) / down * 2 - 1], at * 2);
  }
  return { ball, wall };
}

function program(gl) {
  const made = gl.createProgram();
  const sized = VERTEX.replace("CELL_W", (CELL[0] / SIDE).toFixed(6)).replace("CELL_H", (CELL[1] / SIDE).toFixed(6));
  for (const [kind, source] of [[gl.VERTEX_SHADER, sized], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}

function attribute(gl, at, data, size, each) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(at);
  gl.vertexAttribPointer(at, size, gl.FLOAT, false, 0, 0);
  gl.vertexAttribDivisor(at, each);
}

/** Begins to draw names on a canvas; nothing where WebGL 2 is missing. `speed` turns per second; `frames` counts what was drawn. */
export function roll(canvas, names, { wall = false, ink = [1, 0.9, 0.65] } = {}) {
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, premultipliedAlpha: true, powerPreference: "high-performance" });
  if (!gl || names.length === 0) return undefined;
  const used = program(gl);
  gl.useProgram(used);
  const { ball, wall: flat } = lay(names.length);
  const { texture, cells } = write(gl, names);
  attribute(gl, 0, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), 2, 0);
  attribute(gl, 1, ball, 3, 1);
  attribute(gl, 2, flat, 2, 1);
  attribute(gl, 3, cells, 3, 1);
  const at = (name) => gl.getUniformLocation(used, name);
  const [time, turn, mixing, aspect, size] = ["time", "turn", "mixing", "aspect", "size"].map(at);
  gl.uniform3fv(at("ink"), ink);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const state = { speed: 0.05, frames: 0, stop, wall };
  let angle = 0;
  let mix = wall ? 1 : 0;
  let last = performance.now();
  let handle = requestAnimationFrame(draw);
  function fit() {
    // More pixels than this cost frames and show nothing.
    const ratio = Math.min(devicePixelRatio, 1920 / Math.max(1, canvas.clientWidth) > 1 ? 2 : 1);
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, canvas.width, canvas.height);
  }
  function draw(now) {
    const step = Math.min(0.1, (now - last) / 1000);
    last = now;
    angle += step * state.speed * Math.PI * 2;
    mix += ((state.wall ? 1 : 0) - mix) * Math.min(1, step * 3);
    fit();
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform1f(time, now / 1000);
    gl.uniform1f(turn, angle);
    gl.uniform1f(mixing, mix);
    gl.uniform1f(aspect, canvas.width / Math.max(1, canvas.height));
    gl.uniform1f(size, Math.max(0.012, Math.min(0.06, 0.9 / Math.sqrt(names.length))));
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, names.length);
    state.frames += 1;
    handle = requestAnimationFrame(draw);
  }
  function stop() {
    cancelAnimationFrame(handle);
    gl.deleteTexture(texture);
    gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return state;
}
