// A room of Colyseus that gives what a member sends to all others, as octets. Prints its port.
import { Room, Server } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';

class Hall extends Room {
  onCreate() {
    this.maxClients = 4096;
    this.setPatchRate(null);
    this.onMessage(0, (client, octets) => this.broadcastBytes(0, octets, { except: client }));
  }
}

const transport = new WebSocketTransport();
const server = new Server({ transport, greet: false, gracefullyShutdown: false });
server.define('hall', Hall);
await server.listen(0, '127.0.0.1');
console.log(transport.server.address().port);
