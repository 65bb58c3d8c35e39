//! Puts a graph together node by node. Every call names the value it makes and returns that name, so that a network
//! reads as nested calls.

use super::messages::{
    Attribute, Dimension, ElementType, Graph, Model, Node, OperatorSet, Tensor, TensorShape, TensorType, ValueInfo,
    ValueType,
};

/// The operator set in use: 17 is the first with `LayerNormalization` as one operator.
const OPERATOR_SET: i64 = 17;

/// The file format version that belongs to it; read by every ONNX Runtime since 1.15.
const IR_VERSION: i64 = 9;

/// A graph in the making.
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// An empty graph with this name.
    pub fn new(name: &str) -> Self {
        Self { graph: Graph { name: Some(name.into()), ..Graph::default() } }
    }

    /// An input of the graph.
    pub fn input(&mut self, name: &str, element: ElementType, dimensions: &[Dimension]) {
        self.graph.inputs.push(value_info(name, element, dimensions));
    }

    /// An output of the graph; the node that makes it has the same name.
    pub fn output(&mut self, name: &str, element: ElementType, dimensions: &[Dimension]) {
        self.graph.outputs.push(value_info(name, element, dimensions));
    }

    /// A constant of 32-bit floats given as little-endian bytes, row by row.
    pub fn float_bytes(&mut self, name: &str, dimensions: &[usize], data: Vec<u8>) -> String {
        debug_assert_eq!(dimensions.iter().product::<usize>() * size_of::<f32>(), data.len());
        self.constant(name, ElementType::Float32, dimensions, data)
    }

    /// A single 32-bit float, without any axis.
    pub fn float(&mut self, name: &str, value: f32) -> String {
        self.constant(name, ElementType::Float32, &[], value.to_le_bytes().to_vec())
    }

    /// A list of integers, as the operators take shapes and axes.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, ElementType::Int64, &[values.len()], data)
    }

    fn constant(&mut self, name: &str, element: ElementType, dimensions: &[usize], data: Vec<u8>) -> String {
        self.graph.constants.push(Tensor {
            dimensions: dimensions.iter().map(|&size| size as i64).collect(),
            element: Some(element.into()),
            name: Some(name.into()),
            data: Some(data),
        });
        name.into()
    }

    /// A node without attributes; its output carries the node's name.
    pub fn node(&mut self, operator: &str, inputs: &[&str], name: &str) -> String {
        self.node_with(operator, inputs, name, Vec::new())
    }

    /// A node with attributes; its output carries the node's name.
    pub fn node_with(&mut self, operator: &str, inputs: &[&str], name: &str, attributes: Vec<Attribute>) -> String {
        self.graph.nodes.push(Node {
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![name.into()],
            name: Some(name.into()),
            operator: Some(operator.into()),
            attributes,
        });
        name.into()
    }

    /// The finished file.
    pub fn finish(self) -> Model {
        Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("warmer".into()),
            graph: Some(self.graph),
            operator_sets: vec![OperatorSet { domain: Some(String::new()), version: Some(OPERATOR_SET) }],
        }
    }
}

fn value_info(name: &str, element: ElementType, dimensions: &[Dimension]) -> ValueInfo {
    let shape = TensorShape { dimensions: dimensions.to_vec() };
    let tensor = TensorType { element: Some(element.into()), shape: Some(shape) };
    ValueInfo { name: Some(name.into()), value_type: Some(ValueType { tensor: Some(tensor) }) }
}
