//! The interface of a graph: what it reads and what it gives, found by looking at it.

use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

/// What a graph may read. All are `[1, tokens]` of 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Ids,
    Mask,
    Types,
    Positions,
}

/// What we feed to a graph and read from it.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    /// In the order of the graph.
    pub(crate) inputs: Vec<Input>,
    /// The name of the output that is read.
    pub(crate) output: String,
}

impl Input {
    const ALL: [Self; 4] = [Self::Ids, Self::Mask, Self::Types, Self::Positions];

    /// Its name in the graph.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ids => "input_ids",
            Self::Mask => "attention_mask",
            Self::Types => "token_type_ids",
            Self::Positions => "position_ids",
        }
    }
}

impl Interface {
    /// Looks at the graph; the error says what is not as it must be.
    pub(crate) fn of(session: &Session) -> Result<Self, String> {
        let inputs = session.inputs().iter().map(input).collect::<Result<Vec<_>, _>>()?;
        if !inputs.contains(&Input::Ids) {
            return Err(format!("it has no input `{}`", Input::Ids.name()));
        }
        Ok(Self { inputs, output: output(session.outputs())?.name().to_owned() })
    }
}

fn input(outlet: &Outlet) -> Result<Input, String> {
    let name = outlet.name();
    let input = Input::ALL.into_iter().find(|input| input.name() == name);
    let input = input.ok_or_else(|| format!("it wants an input `{name}`, which no text has"))?;
    match outlet.dtype().tensor_type() {
        Some(TensorElementType::Int64) => Ok(input),
        _ => Err(format!("its input `{name}` is not a tensor of 64-bit integers but {}", outlet.dtype())),
    }
}

/// The tokens' vectors, `[1, tokens, dimensions]`, by their usual name or the first of that rank; else the text's own
/// vector, `[1, dimensions]`, likewise.
fn output(outlets: &[Outlet]) -> Result<&Outlet, String> {
    let by_rank = |rank: usize, name: &str| {
        let mut fitting: Vec<_> = outlets.iter().filter(|outlet| rank_of(outlet.dtype()) == Some(rank)).collect();
        fitting.sort_by_key(|outlet| outlet.name() != name);
        fitting.into_iter().next()
    };
    by_rank(3, "last_hidden_state").or_else(|| by_rank(2, "sentence_embedding")).ok_or_else(|| {
        let found: Vec<_> = outlets.iter().map(|outlet| format!("`{}` {}", outlet.name(), outlet.dtype())).collect();
        format!(
            "it must give 32-bit floats as [batch, tokens, dimensions] or [batch, dimensions], and gives {}",
            found.join(", ")
        )
    })
}

fn rank_of(kind: &ValueType) -> Option<usize> {
    match kind {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Some(shape.len()),
        _ => None,
    }
}
