//! An EPMD that answers at once.

use netkernel_core::StreamId;
use netkernel_core::wire::epmd::{
    Alive2Resp, Entry, Extra, Name, NameLine, Port2Resp, PortInfo, Request,
};

use super::World;

pub const EPMD_PORT: u16 = 4369;

impl World {
    pub(super) fn epmd_answers(&mut self, id: usize, stream: StreamId, request: &[u8]) {
        let mut out = Vec::new();
        let mut closes = true;
        match Request::parse(request).unwrap().unwrap() {
            Request::Alive2(entry) => {
                closes = false;
                let name = entry.name.as_str().to_owned();
                if self.epmd.contains_key(&name) {
                    Alive2Resp::refused(entry.info.highest).emit(&mut out);
                } else {
                    self.next_creation += 1;
                    Alive2Resp::New { result: 0, creation: self.next_creation }.emit(&mut out);
                    self.epmd.insert(name.clone(), entry.info.port);
                    self.holders.insert((id, stream), name);
                }
            }
            Request::PortPlease2 { name } => {
                let port = self.epmd.get(name.as_str()).copied();
                port_answer(name.as_str(), port, &mut out);
            }
            Request::Names => {
                out.extend_from_slice(&u32::from(EPMD_PORT).to_be_bytes());
                for (name, port) in &self.epmd {
                    NameLine { name, port: *port }.emit(&mut out);
                }
            }
            other @ (Request::Dump | Request::Kill | Request::Stop { .. }) => {
                panic!("no node asks {other:?}")
            }
        }
        if let Some(side) = self.nodes[id].host.sides.get_mut(&stream) {
            side.inbox.extend_from_slice(&out);
            side.eof |= closes;
        }
    }

    /// Drops every registration, as a daemon that dies.
    pub fn kill_epmd(&mut self) {
        self.epmd_down = true;
        for ((id, stream), name) in core::mem::take(&mut self.holders) {
            self.epmd.remove(&name);
            if let Some(side) = self.nodes[id].host.sides.get_mut(&stream) {
                side.eof = true;
            }
        }
        self.settle();
    }
}

fn port_answer(name: &str, port: Option<u16>, out: &mut Vec<u8>) {
    let answer = match port {
        Some(port) => Port2Resp::Found(Entry {
            info: PortInfo { port, node_type: 77, protocol: 0, highest: 6, lowest: 5 },
            name: Name::new(name.as_bytes()).unwrap(),
            extra: Extra::new(&[]).unwrap(),
        }),
        None => Port2Resp::NotFound,
    };
    answer.emit(out);
}
