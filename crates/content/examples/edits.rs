#[path = "../tests/it/support.rs"]
mod support;
use std::collections::HashSet;
use warmer_content::*;
fn main() {
    let (mut total, mut new, mut newtok, mut edits, mut n, mut toks) = (0usize, 0usize, 0u64, 0usize, 0usize, 0u64);
    let mut seed = 42u64;
    let mut rnd = move || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; seed };
    for path in std::env::args().skip(1) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if text.len() > 200_000 || text.lines().count() < 30 { continue }
        let Some(language) = Language::by_file_name(path.rsplit('/').next().unwrap()) else { continue };
        let cut = |t: &str| Chunker::new(support::limits()).chunk(t, language, &support::Parts, &support::leash()).unwrap();
        let before = cut(&text);
        n += before.len(); toks += before.iter().map(|c| u64::from(c.tokens)).sum::<u64>();
        let keys: HashSet<_> = before.iter().map(|c| c.key).collect();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for _ in 0..3 {
            let at = rnd() as usize % lines.len();
            let mut l: Vec<String> = lines.iter().map(|s| s.to_string()).collect();
            let fresh = |i: u64| { let pad: String = lines[at].chars().take_while(|c| c.is_whitespace() && *c != '\n').collect(); format!("{pad}let fresh{i} = call_me({i});\n") };
            match rnd() % 4 { 0 => l.insert(at, fresh(rnd() % 1000)), 1 => { for _ in 0..6 { l.insert(at, fresh(rnd() % 1000)); } } 2 => { l[at] = fresh(rnd() % 1000); } _ => { l.remove(at); } }
            let after = cut(&l.concat());
            total += after.len(); edits += 1;
            for c in &after { if !keys.contains(&c.key) { new += 1; newtok += u64::from(c.tokens); } }
        }
    }
    println!("mean {:.0} tokens ({} chunks, {} tokens); {:.2} new chunks/edit = {:.1}% of chunks, {:.0} tokens/edit", toks as f64 / n as f64, n, toks, new as f64 / edits as f64, 100.0 * new as f64 / total as f64, newtok as f64 / edits as f64);
}
