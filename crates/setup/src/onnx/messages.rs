//! The protocol buffer messages of an ONNX file, reduced to the fields that are written here.
//!
//! Field numbers are those of `onnx.proto` (package onnx 1.23.2). That schema is proto2: repeated numbers are not
//! packed, and a scalar that is there is written even where it is zero; hence `packed = "false"` and the options.
//! A reader skips fields it does not know, so a graph of another writer can be decoded with these messages too.

#![expect(missing_docs, reason = "the fields are those of onnx.proto, which documents them")]

use prost::{Enumeration, Message};

/// The whole file (`ModelProto`).
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub operator_sets: Vec<OperatorSet>,
}

/// Which version of which operators the nodes mean (`OperatorSetIdProto`); the empty domain is ONNX itself.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// Nodes in an order in which every input is known before it is used (`GraphProto`).
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Node>,
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub constants: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub inputs: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub outputs: Vec<ValueInfo>,
}

/// One operator applied to named values (`NodeProto`).
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, repeated, tag = "1")]
    pub inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub outputs: Vec<String>,
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub operator: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub attributes: Vec<Attribute>,
}

/// A named parameter of a node (`AttributeProto`): a float, an integer or a list of integers.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(float, optional, tag = "2")]
    pub float: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub integer: Option<i64>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub integers: Vec<i64>,
    /// 1 float, 2 integer, 7 integers: which of the fields above holds the value.
    #[prost(int32, optional, tag = "20")]
    pub kind: Option<i32>,
}

impl Attribute {
    /// `name = value`, a 32-bit float.
    pub fn of_float(name: &str, value: f32) -> Self {
        Self { name: Some(name.into()), float: Some(value), kind: Some(1), ..Self::default() }
    }

    /// `name = value`, an integer.
    pub fn of_integer(name: &str, value: i64) -> Self {
        Self { name: Some(name.into()), integer: Some(value), kind: Some(2), ..Self::default() }
    }

    /// `name = values`, a list of integers.
    pub fn of_integers(name: &str, values: &[i64]) -> Self {
        Self { name: Some(name.into()), integers: values.to_vec(), kind: Some(7), ..Self::default() }
    }
}

/// A constant (`TensorProto`): its elements row by row, little-endian.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dimensions: Vec<i64>,
    #[prost(enumeration = "ElementType", optional, tag = "2")]
    pub element: Option<i32>,
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub data: Option<Vec<u8>>,
}

/// The element types in use, with their numbers in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum ElementType {
    Undefined = 0,
    Float32 = 1,
    Int64 = 7,
}

/// Name and type of a value that enters or leaves the graph (`ValueInfoProto`).
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<ValueType>,
}

/// The type of a value (`TypeProto`): always a tensor here.
#[derive(Clone, PartialEq, Message)]
pub struct ValueType {
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorType>,
}

/// Element type and shape of a tensor (`TypeProto.Tensor`).
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    #[prost(enumeration = "ElementType", optional, tag = "1")]
    pub element: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
}

/// The sizes of a tensor's axes (`TensorShapeProto`).
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    #[prost(message, repeated, tag = "1")]
    pub dimensions: Vec<Dimension>,
}

/// The size of one axis (`TensorShapeProto.Dimension`): a number, or a name where it differs from run to run.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub size: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
}

impl Dimension {
    /// An axis whose size is given by each run.
    pub fn named(name: &str) -> Self {
        Self { size: None, name: Some(name.into()) }
    }

    /// An axis of a fixed size.
    pub fn fixed(size: usize) -> Self {
        Self { size: Some(size as i64), name: None }
    }
}
