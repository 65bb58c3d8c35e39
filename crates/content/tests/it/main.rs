//! The content crate from outside: what is indexed, how it is cut, and what an edit changes.

mod covers;
mod ctags;
mod definitions;
mod hostile;
mod javascript;
mod rules;
mod stability;
mod support;
mod symbols;
mod uncut;
