use crate::args::Doctor; use crate::context::Context; use crate::exit::Exit;
pub(crate) async fn run(_context: &Context, _args: Doctor) -> anyhow::Result<Exit> { Ok(Exit::Done) }
