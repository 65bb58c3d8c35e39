//! As much of the ONNX format as a toy graph needs. Field numbers are those of the public `onnx.proto`.

/// Element types of a tensor.
pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;
pub(crate) const BOOL: u64 = 9;

/// A message of protocol buffers under construction.
#[derive(Default, Clone)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    pub(crate) fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A whole model of one graph, opset 17.
pub(crate) fn model(graph: &Graph) -> Vec<u8> {
    let opset = Message::default().bytes(1, "").number(2, 17);
    Message::default().number(1, 9).bytes(7, &graph.0).bytes(8, opset).0
}

/// A graph under construction.
#[derive(Clone)]
pub(crate) struct Graph(Message);

impl Graph {
    pub(crate) fn new() -> Self {
        Self(Message::default().bytes(2, "toy"))
    }

    pub(crate) fn node(self, operator: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Self {
        let node = inputs.iter().fold(Message::default(), |node, input| node.bytes(1, input));
        let node = output.split(' ').fold(node, |node, output| node.bytes(2, output));
        let node = node.bytes(3, output).bytes(4, operator);
        Self(self.0.bytes(1, attributes.iter().fold(node, |node, attribute| node.bytes(5, attribute))))
    }

    /// A constant of this shape; `bytes` are its little-endian values.
    pub(crate) fn constant(self, name: &str, kind: u64, shape: &[u64], bytes: &[u8]) -> Self {
        let tensor = shape.iter().fold(Message::default(), |tensor, size| tensor.number(1, *size));
        Self(self.0.bytes(5, tensor.number(2, kind).bytes(8, name).bytes(9, bytes)))
    }

    pub(crate) fn input(self, name: &str, kind: u64, shape: &[&str]) -> Self {
        Self(self.0.bytes(11, value_info(name, kind, shape)))
    }

    pub(crate) fn output(self, name: &str, kind: u64, shape: &[&str]) -> Self {
        Self(self.0.bytes(12, value_info(name, kind, shape)))
    }
}

/// A node's attribute that is a graph.
pub(crate) fn body(name: &str, graph: &Graph) -> Message {
    Message::default().bytes(1, name).bytes(6, &graph.0).number(20, 5)
}

/// A node's attribute that is a list of integers.
pub(crate) fn integers(name: &str, values: &[u64]) -> Message {
    let attribute = Message::default().bytes(1, name).number(20, 7);
    values.iter().fold(attribute, |attribute, value| attribute.number(8, *value))
}

/// A node's attribute that is an integer.
pub(crate) fn integer(name: &str, value: u64) -> Message {
    Message::default().bytes(1, name).number(3, value).number(20, 2)
}

/// Dimensions that are numbers are fixed, others are names.
fn value_info(name: &str, kind: u64, shape: &[&str]) -> Message {
    let shape = shape.iter().fold(Message::default(), |shape, size| {
        let dimension = Message::default();
        let dimension = match size.parse() {
            Ok(number) => dimension.number(1, number),
            Err(_) => dimension.bytes(2, size),
        };
        shape.bytes(1, dimension)
    });
    let tensor = Message::default().number(1, kind).bytes(2, shape);
    Message::default().bytes(1, name).bytes(2, Message::default().bytes(1, tensor))
}
