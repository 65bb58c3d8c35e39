#[path = "../tests/it/support.rs"]
mod support;
use warmer_content::*;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let show = args[0] == "show";
    let (mut n, mut toks, mut bytes, mut small, mut t, mut files) = (0usize, 0u64, 0u64, 0usize, 0.0, 0usize);
    let mut hist = [0usize; 26];
    let mut split_items = 0;
    for path in &args[1..] {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Some(language) = Language::by_file_name(path.rsplit('/').next().unwrap()) else { continue };
        let began = std::time::Instant::now();
        let chunks = match Chunker::new(ChunkLimits { tokens: 48, tokens_max: 70, ..ChunkLimits::default() }).chunk(&text, language, &support::Parts, &support::leash()) { Ok(c) => c, Err(e) => { println!("{path}: {e}"); continue } };
        t += began.elapsed().as_secs_f64();
        if args[0] == "check" { support::check(&text, &chunks, ChunkLimits::default()); }
        files += 1;
        for c in &chunks {
            n += 1; toks += u64::from(c.tokens); bytes += u64::from(c.end - c.start);
            if c.tokens < 60 { small += 1; }
            hist[(c.tokens / 10).min(25) as usize] += 1;
            if c.header.contains(" fn ") || c.header.contains(" def ") || c.header.contains("func ") { split_items += 1; }
            if show { println!("──── {}-{} {:?} [{}] {} tokens\n{}", c.start_line, c.end_line, c.symbol, c.header, c.tokens, &text[c.start as usize..c.end as usize]); }
        }
    }
    println!("{files} files, {bytes} bytes, {n} chunks, mean {:.0} tokens, {} bytes, <60 tokens {:.1}%, in functions {:.1}%, {:.2}s {:.0} ms/MB", toks as f64 / n as f64, bytes / n as u64, 100.0 * small as f64 / n as f64, 100.0 * split_items as f64 / n as f64, t, t * 1e9 / bytes as f64);
    println!("{hist:?}");
}
