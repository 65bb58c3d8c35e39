//! As much of the ONNX file format as a text encoder needs: the messages that go into the file, and a builder that
//! puts a graph together node by node. Protocol buffers written with `prost`, so no Python package is needed.

mod builder;
mod messages;

pub use builder::GraphBuilder;
pub use messages::{
    Attribute, Dimension, ElementType, Graph, Model, Node, OperatorSet, Tensor, TensorShape, TensorType, ValueInfo,
    ValueType,
};
