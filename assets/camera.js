// A phone's camera as a scanner: the browser reads the code where it can, otherwise the box reads it out of the frame.

// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";
const BEAT_MS = 250;
const FRAME = 960; // Longest side of a frame that is sent to the box.

async function ask(picture) {
  const answer = await fetch(`${space}/api/v1/checkin/decode`, {
    method: "POST", headers: { "content-type": "image/jpeg" }, body: picture, signal: AbortSignal.timeout(8000),
  });
  if (answer.status === 429) return [];
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).codes;
}

/** The codes of a picture that was taken. */
export const inPicture = (file) => ask(file);

function frame(video) {
  const scale = Math.min(1, FRAME / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth * scale, video.videoHeight * scale];
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}

async function reader() {
  const formats = (await globalThis.BarcodeDetector?.getSupportedFormats?.()) ?? [];
  if (!formats.includes("qr_code")) return async (video) => ask(await frame(video));
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return async (video) => (await detector.detect(video)).map((found) => found.rawValue);
}

/** Shows the camera's picture and hands every code to `take`, until the answer is called. Throws where there is no camera. */
export async function watch(video, take) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error("no camera");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  video.srcObject = stream;
  await video.play();
  const codes = await reader();
  let open = true;
  (async () => {
    while (open) {
      try {
        if (video.videoWidth > 0) for (const code of await codes(video)) if (open) take(code);
      } catch {
        // A frame that cannot be read, or a box that does not answer: the next one comes at once.
      }
      await new Promise((resume) => setTimeout(resume, BEAT_MS));
    }
  })();
  return () => {
    open = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}
