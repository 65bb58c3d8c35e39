#[path = "../tests/it/support.rs"]
mod support;
#[path = "../tests/it/hostile_cases.rs"]
mod cases;
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let (lang, case, size, stack): (String, usize, usize, usize) = (a[0].clone(), a[1].parse().unwrap(), a[2].parse().unwrap(), a[3].parse().unwrap());
    let text = cases::cases(size)[case].clone();
    let t = std::time::Instant::now();
    let n = std::thread::Builder::new().stack_size(stack << 10).spawn(move || support::chunks(&text, &lang).len()).unwrap().join().unwrap();
    eprintln!("{a:?} {n} chunks {:?}", t.elapsed());
}
