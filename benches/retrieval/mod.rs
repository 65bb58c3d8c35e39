//! Whether searches find what is asked: questions with known answers over pinned code bases.
//!
//! `label.py` makes the questions, of what people wrote about their own code, by other means than the product's, and
//! takes that out of the code. `topics/` has some that are made of none of it, for the code as it is. What is measured,
//! of the ten best hits of each question:
//!
//! | measure | meaning |
//! |---|---|
//! | NDCG@10 | 1 when the right files stand first, less the further down; a file counts at its first place only |
//! | recall@10 | how many of the right files are there |
//! | MRR | 1 / the place of the first of them |
//! | tokens | what a reader has read with the first hit that shows the right lines: the median, a miss is endless |
//!
//! Tokens are those of o200k. Agents are told of an answer's tokens by a rule that knows no vocabulary: each question
//! is also asked as an agent asks it, with room for 500, 2,000 and 8,000 tokens, and no answer may have more.

pub mod answers;
pub mod asked;
pub mod corpora;
pub mod labels;
pub mod measures;
pub mod options;
pub mod tables;
pub mod variants;
