// Counts the frames a second at which names roll over a draw's screen: node tests/browser/frames.mjs URL DRAW LOGIN PASSWORD. The draw's names
// must be rolling. Says by what they are drawn: without a graphics card Chromium draws by software, which says nothing about a real screen.

import { browse, open, submit, check } from "./hall.mjs";

const [base, draw, login, password] = process.argv.slice(2);
const SIZES = [{ width: 1920, height: 1080 }, { width: 3840, height: 2160 }];
const SECONDS = 5;
const graphics = process.env.HUIGUAN_GRAPHICS === "1" ? ["--ignore-gpu-blocklist"] : ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];

await browse(async (browser) => {
  const page = await open(browser, `${base}/login`);
  await submit(page, { login, password });
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "no-preference" }]);
  for (const size of SIZES) {
    await page.setViewport(size);
    await page.goto(`${base}/screen/draw/${draw.split("/").pop()}`);
    await page.bringToFront();
    await page.waitForFunction(() => window.stageFrames().frames > 10, { timeout: 60_000 });
    const measured = await page.evaluate(async (seconds) => {
      const before = window.stageFrames();
      const gaps = [];
      const begun = performance.now();
      let last = begun;
      while (performance.now() - begun < seconds * 1000) {
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - last);
        last = now;
      }
      const after = window.stageFrames();
      gaps.sort((a, b) => a - b);
      const gl = document.createElement("canvas").getContext("webgl2");
      const told = gl.getExtension("WEBGL_debug_renderer_info");
      return { names: after.names, rate: (after.frames - before.frames) / ((performance.now() - begun) / 1000), p99: gaps[Math.floor(gaps.length * 0.99)], by: gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER) };
    }, SECONDS);
    check(measured.rate > 0, "names are drawn");
    const caveat = /swiftshader|llvmpipe|software/i.test(measured.by) ? " (drawn by software: a real screen has a graphics card)" : "";
    console.log(`${size.width}×${size.height}: ${measured.names} names at ${measured.rate.toFixed(1)} frames/s, slowest of 100 after ${measured.p99.toFixed(0)} ms, by ${measured.by}${caveat}`);
  }
}, graphics);
