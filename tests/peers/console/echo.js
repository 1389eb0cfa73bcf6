// Calls, and keeps microphone and loudspeaker side by side on one clock.

async function call(stream, heard) {
  const peer = new RTCPeerConnection({ iceServers: [] });
  peer.ontrack = ({ streams }) => heard(streams[0]);
  peer.addTrack(stream.getAudioTracks()[0], stream);
  await peer.setLocalDescription(await peer.createOffer());
  await new Promise((done) => {
    const look = () => peer.iceGatheringState === "complete" && done();
    peer.onicegatheringstatechange = look;
    look();
  });
  const headers = { "Content-Type": "application/sdp" };
  const answer = await fetch("whip", { method: "POST", headers, body: peer.localDescription.sdp });
  if (answer.status !== 201) throw new Error(await answer.text());
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  return { peer, end: () => fetch(answer.headers.get("Location"), { method: "DELETE" }) };
}

/** Microphone and loudspeaker for so many seconds: 16-bit stereo at 48 kHz, in base64. */
window.measure = async (seconds) => {
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  await context.audioWorklet.addModule("echoworklet.js");
  // Whatever a browser does for speech would take the pips for noise.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const both = new ChannelMergerNode(context, { numberOfInputs: 2 });
  const mono = { channelCount: 1, channelCountMode: "explicit" };
  const keeper = new AudioWorkletNode(context, "keeper", { numberOfOutputs: 0, channelCount: 2 });
  const kept = [];
  keeper.port.onmessage = ({ data }) => kept.push(data);
  const plug = (stream, input) => {
    const gain = new GainNode(context, mono);
    context.createMediaStreamSource(stream).connect(gain).connect(both, 0, input);
  };
  const { peer, end } = await call(microphone, (stream) => {
    document.querySelector("audio").srcObject = stream; // or Chromium gives WebAudio silence
    plug(stream, 1);
  });
  plug(microphone, 0);
  both.connect(keeper);
  await new Promise((done) => setTimeout(done, seconds * 1000));
  await end();
  peer.close();
  for (const track of microphone.getTracks()) track.stop();
  await context.close();
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(new Blob(kept));
  });
};
