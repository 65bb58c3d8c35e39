//! Texts that are longer than the real model reads at once.

use warmer_embedding::Terminator;

use crate::kit::{Real, cosine, embed};

/// So many words, each of them one token.
fn words(count: usize) -> String {
    let words = "the queue was in a bad state".split(' ').cycle().take(count);
    words.map(|word| format!("{word} ")).collect()
}

/// The first numbers of the vectors of so many words, by the same graph under another program (ONNX Runtime and the
/// tokenizer from Python): 254 are one window, 255 and 512 are windows whose rows are weighed by their tokens.
const REFERENCE: [(usize, [f32; 4]); 3] = [
    (254, [-0.018_536_28, 0.001_319_81, -0.026_498_5, 0.033_862_33]),
    (255, [-0.011_963_15, 0.035_275_47, -0.013_674_25, 0.039_442_83]),
    (512, [-0.015_006_48, 0.025_906_02, -0.025_696_71, 0.027_267_74]),
];

#[test]
fn vectors_of_one_and_of_several_windows_are_those_of_another_program() {
    let Some(real) = Real::find() else { return };
    let mut session = real.session(1);
    assert_eq!(real.model.length_max - real.tokenizer.specials(), REFERENCE[0].0, "one window has room for as many");
    for (count, reference) in REFERENCE {
        let found = embed(&mut session, &words(count));
        let near = found.iter().zip(reference).all(|(found, reference)| (found - reference).abs() < 1e-5);
        assert!(near, "{count}: {:?}", &found[..reference.len()]);
    }
}

#[test]
fn what_a_long_text_is_embedded_with_does_not_change_its_vector() {
    let Some(real) = Real::find() else { return };
    let (mut session, mut other) = (real.session(1), real.session(1));
    let long = words(2 * real.model.length_max);
    let alone = session.embed(&long, &Terminator::default()).unwrap();
    let companions = [words(3), words(5 * real.model.length_max)];
    companions.iter().for_each(|text| drop(embed(&mut other, text)));
    let among_others = other.embed(&long, &Terminator::default()).unwrap();
    assert_eq!(alone.tokens as usize, 2 * real.model.length_max);
    assert!(1.0 - cosine(&alone.vector.to_f32(), &among_others.vector.to_f32()) < 1e-4);
}

#[test]
fn a_long_text_counts_to_its_last_word() {
    let Some(real) = Real::find() else { return };
    let mut session = real.session(1);
    let long = words(2 * real.model.length_max);
    let ends = |end: &str| embed(&mut session, &format!("{long}{end}"));
    let [kitten, again, lawyer] = ["a kitten", "a kitten", "a lawyer"].map(ends);
    assert_eq!(kitten, again);
    let apart = 1.0 - cosine(&kitten, &lawyer);
    assert!(apart > 1e-4, "{apart:.1e}");
}
