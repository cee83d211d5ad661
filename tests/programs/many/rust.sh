# rustc (LLVM), and what it makes.
# packages: rustc
cat > load.rs <<'X'
use std::collections::BTreeMap;
use std::thread;

fn work(tag: u8) -> usize {
    let mut map = BTreeMap::new();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for i in 0..100000u64 {
        map.insert(i.wrapping_mul(0x9E3779B97F4A7C15) >> 40, vec![tag; (i % 200) as usize]);
        kept.push(vec![0; (i % 3000) as usize]);
        if kept.len() > 1000 {
            kept.clear();
        }
    }
    map.len()
}

fn main() {
    let threads: Vec<_> = (0..8).map(|tag| thread::spawn(move || work(tag))).collect();
    println!("{}", threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>());
}
X
rustc -O load.rs -o load && ./load
