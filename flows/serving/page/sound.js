// A microphone's sound as a wav file, which every model of sounds reads.

// `onStop` is given the sound, or null where nothing was heard, as after an instant.
export async function record(seconds, onStop) {
  const media = navigator.mediaDevices;
  if (!media || !window.MediaRecorder) {
    throw new Error("This browser records on https or loopback only; upload a recording.");
  }
  let stream;
  try {
    stream = await media.getUserMedia({ audio: true });
  } catch {
    throw new Error("The microphone may not be used, or there is none; upload a recording.");
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = async () => {
    stream.getTracks().forEach((track) => track.stop());
    onStop(await asWav(new Blob(parts)).catch(() => null));
  };
  recorder.start();
  const timer = setTimeout(() => recorder.stop(), 1000 * seconds);
  return () => {
    clearTimeout(timer);
    if (recorder.state !== "inactive") recorder.stop();
  };
}

async function asWav(blob) {
  const context = new AudioContext();
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  await context.close();
  return wav(sound.getChannelData(0), sound.sampleRate);
}

// RIFF with 16-bit samples of one channel.
export function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (place, letters) =>
    [...letters].forEach((letter, i) => view.setUint8(place + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  [16, 0x10001, rate, 2 * rate, 0x100002].forEach((n, i) => view.setUint32(16 + 4 * i, n, true));
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => {
    const kept = Math.max(-1, Math.min(1, sample));
    view.setInt16(44 + 2 * i, kept * 32767, true);
  });
  return new Blob([view], { type: "audio/wav" });
}
