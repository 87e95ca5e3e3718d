// Rooms of Colyseus: a hall gives what a member sends to all others, as octets; a stage keeps each
// member's newest as a schema's state, and tells what has changed HERTZ times a second.
//   node server.mjs HERTZ        prints its port
import { Room, Server } from '@colyseus/core';
import { MapSchema, Schema, defineTypes } from '@colyseus/schema';
import { WebSocketTransport } from '@colyseus/ws-transport';

const MEMBERS_MAX = 4096;

class Hall extends Room {
  onCreate() {
    this.maxClients = MEMBERS_MAX;
    this.setPatchRate(null);
    this.onMessage(0, (client, octets) => this.broadcastBytes(0, octets, { except: client }));
  }
}

class Member extends Schema {}
defineTypes(Member, { text: 'string' });
class Members extends Schema {
  constructor() {
    super();
    this.all = new MapSchema();
  }
}
defineTypes(Members, { all: { map: Member } });

class Stage extends Room {
  onCreate() {
    this.maxClients = MEMBERS_MAX;
    this.state = new Members();
    this.setPatchRate(1000 / Number(process.argv[2]));
    this.onMessage(0, (client, octets) => {
      this.state.all.get(client.sessionId).text = Buffer.from(octets).toString('latin1');
    });
  }
  onJoin(client) {
    this.state.all.set(client.sessionId, new Member().assign({ text: '' }));
  }
}

const transport = new WebSocketTransport();
const server = new Server({ transport, greet: false, gracefullyShutdown: false });
server.define('hall', Hall);
server.define('stage', Stage);
await server.listen(0, '127.0.0.1');
console.log(transport.server.address().port);
