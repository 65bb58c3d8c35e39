/// As much as `size` bytes of each.
pub(crate) fn cases(size: usize) -> Vec<String> {
    let noise = |(mut x, mut text): (u64, String), _| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text.push(char::from(32 + (x % 95) as u8));
        (x, text)
    };
    vec![
        "(".repeat(size),
        format!("fn f() {{ {}1{}; }}", "(".repeat(size / 2), ")".repeat(size / 2)),
        "{[(".repeat(size / 3),
        "mod a {\n".repeat(size / 8),
        "class A:\n ".repeat(size / 10),
        "\"'".repeat(size / 2),
        "a".repeat(size),
        "a+".repeat(size / 2),
        "\0".repeat(size),
        "(\n".repeat(size / 2),
        "好".repeat(size / 3),
        (0..size).fold((88_172_645_463_325_252, String::new()), noise).1,
    ]
}

