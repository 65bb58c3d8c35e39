//! The configuration file that users get: the manual with every value commented out. A file that repeated the defaults
//! would keep those of its version for ever.

/// The manual as an example that changes nothing. Its comments stay (`# text`), its values become `#key = value`.
pub(crate) fn of_manual(manual: &str) -> String {
    let mut example = String::from(
        "# Warmer's configuration: every key with its default, commented out (`#key = value`). Take the # away from\n\
         # what is to differ; `warmer config check` finds the mistakes. What follows is the manual.\n#\n",
    );
    let mut inside = false;
    for line in manual.lines() {
        let is_value = inside || (!line.starts_with('#') && line.contains('='));
        if is_value {
            let opens = line.trim_end().ends_with(['[', '{']);
            inside = (inside || opens) && !line.starts_with([']', '}']);
            example.push('#');
        }
        example.push_str(line);
        example.push('\n');
    }
    example
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_commented_out_and_sections_stay() {
        let example = of_manual("# Text.\n\n[a]\n# Why.\nb = 1\nc = [\n  \"x\",\n]\n\n[d]\n");
        assert!(example.ends_with("\n# Text.\n\n[a]\n# Why.\n#b = 1\n#c = [\n#  \"x\",\n#]\n\n[d]\n"), "{example}");
    }
}
