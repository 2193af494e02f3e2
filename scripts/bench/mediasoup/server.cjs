// A minimal HTTP signalling server around one mediasoup router, for the benchmark.
// Usage: NODE_PATH=... MEDIASOUP_WORKER_BIN=... node server.js IP PORT
'use strict';
const http = require('http');
const mediasoup = require('mediasoup');
const [ip, port] = [process.argv[2], +process.argv[3]];
const transports = new Map(), consumers = new Map(), producers = [];
let waiters = [];

async function main() {
  const worker = await mediasoup.createWorker({ logLevel: 'error', rtcMinPort: 40000, rtcMaxPort: 49999 });
  worker.on('died', () => process.exit(1));
  const router = await worker.createRouter({
    mediaCodecs: [
      { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
      { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
    ],
  });
  const calls = {
    caps: async () => router.rtpCapabilities,
    transport: async () => {
      const t = await router.createWebRtcTransport({ listenIps: [{ ip }], enableUdp: true, enableTcp: false });
      transports.set(t.id, t);
      return { id: t.id, iceParameters: t.iceParameters, iceCandidates: t.iceCandidates, dtlsParameters: t.dtlsParameters };
    },
    connect: async (b) => { await transports.get(b.id).connect({ dtlsParameters: b.dtlsParameters }); return {}; },
    produce: async (b) => {
      const p = await transports.get(b.id).produce({ kind: b.kind, rtpParameters: b.rtpParameters });
      producers.push({ id: p.id, client: b.client, kind: b.kind });
      waiters.splice(0).forEach((f) => f());
      return { id: p.id };
    },
    // Long poll: answers when there are more than `have` producers.
    producers: async (b) => {
      if (producers.length <= b.have) {
        await new Promise((ok) => { waiters.push(ok); setTimeout(ok, 30000); });
      }
      return producers.slice(b.have);
    },
    consume: async (b) => Promise.all(b.producers.map(async (id) => {
      const c = await transports.get(b.id).consume({ producerId: id, rtpCapabilities: b.rtpCapabilities, paused: true });
      consumers.set(c.id, c);
      return { id: c.id, producerId: id, kind: c.kind, rtpParameters: c.rtpParameters };
    })),
    resume: async (b) => { await Promise.all(b.consumers.map((id) => consumers.get(id).resume())); return {}; },
  };
  http.createServer((req, res) => {
    let body = '';
    req.on('data', (d) => { body += d; });
    req.on('end', async () => {
      try {
        const r = await calls[req.url.slice(1)](body ? JSON.parse(body) : {});
        res.end(JSON.stringify(r));
      } catch (e) { res.statusCode = 500; res.end(String(e && e.stack)); }
    });
  }).listen(port, ip);
}
main();
