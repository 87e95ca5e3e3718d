// Echoed messages over WebRTC's data channels (libdatachannel), unordered and never repeated, each connection with a
// channel of its own: echo.mjs serve | echo.mjs load PORT OCTETS CONNECTIONS IN_FLIGHT MILLISECONDS
// Offers and answers go by HTTP. The load prints what bench/quic_echo's loads print.
import { createServer } from 'node:http';
import nodeDataChannel from 'node-datachannel';

const ATTEMPTS_MAX = 10;
const options = { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: false };

/** Resolves to the description with all its candidates. */
const described = (peer) => new Promise((done) => peer.onGatheringStateChange((state) => {
  if (state === 'complete') done(peer.localDescription());
}));

if (process.argv[2] === 'serve') {
  const peers = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', async () => {
      const peer = new nodeDataChannel.PeerConnection(`server ${peers.length}`, options);
      peers.push(peer);
      peer.onDataChannel((channel) => {
        peers.push(channel);
        channel.onMessage((message) => { channel.sendMessageBinary(message); });
      });
      const answer = described(peer);
      const offer = JSON.parse(body);
      peer.setRemoteDescription(offer.sdp, offer.type);
      response.end(JSON.stringify(await answer));
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.on('SIGTERM', () => process.exit(0));
} else {
  const [port, octets, connections, inFlight, milliseconds] = process.argv.slice(3).map(Number);
  const now = () => Number(process.hrtime.bigint());
  const delays = [];
  let messages = 0, until = Infinity;
  const links = [];
  const begin = (channel) => {
    const message = Buffer.alloc(octets);
    message.writeDoubleLE(now());
    channel.sendMessageBinary(message);
  };
  const connected = async () => {
    const peer = new nodeDataChannel.PeerConnection('client', options);
    const gathered = described(peer); // which begins with the channel
    const channel = peer.createDataChannel('echo', { unordered: true, maxRetransmits: 0 });
    const open = new Promise((done) => channel.onOpen(done));
    channel.onMessage((message) => {
      const at = now();
      if (at >= until) return;
      messages += 1;
      delays.push((at - message.readDoubleLE()) / 1000);
      begin(channel);
    });
    const offer = await gathered;
    const answer = await (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify(offer) })).json();
    peer.setRemoteDescription(answer.sdp, answer.type);
    await open;
    links.push({ peer, channel });
  };
  for (let attempts = 0; links.length < connections;) {
    // Now and then the library gives a description before it has its own transport.
    await connected().catch((error) => { if (++attempts > ATTEMPTS_MAX) throw error; });
  }
  const from = now();
  until = from + milliseconds * 1e6;
  for (const { channel } of links) for (let i = 0; i < inFlight; ++i) begin(channel);
  setTimeout(() => {
    delays.sort((a, b) => a - b);
    const at = (part) => delays[Math.floor(part * (delays.length - 1))] ?? 0;
    console.log(JSON.stringify({ messages, seconds: milliseconds / 1000, p50_us: at(0.5), p99_us: at(0.99) }));
    process.exit(0);
  }, milliseconds);
}
