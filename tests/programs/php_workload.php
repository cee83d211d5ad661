<?php
// What the preloaded php does, with its own allocator and without; every answer is checked.
//
// Run by php.py with the path of the library, or nothing. Each extension that is not built in is a
// plugin that php loads with RTLD_DEEPBIND. Prints one line for each section that gave the right
// answers, and nothing else; any wrong answer is an uncaught exception.

set_error_handler(function ($level, $message) { throw new ErrorException($message); });

function expect($got, $wanted) {
    if ($got !== $wanted) {
        throw new Exception("got " . substr(json_encode($got), 0, 200) . ", wanted "
                            . substr(json_encode($wanted), 0, 200));
    }
}

function library_is_mapped() {
    global $argv;
    return str_contains(file_get_contents("/proc/self/maps"), $argv[1] ?? "");
}

function containers() {
    $squares = [];
    for ($n = 0; $n < 200_000; ++$n) $squares["key $n"] = $n * $n;
    for ($n = 0; $n < 200_000; $n += 2) unset($squares["key $n"]);
    expect(array_sum($squares), 1333333333300000);
    $queue = new SplPriorityQueue();
    for ($n = 0; $n < 20_000; ++$n) $queue->insert("value $n", $n * 7919 % 20_011);
    expect(count($queue), 20_000);
    for ($last = PHP_INT_MAX; !$queue->isEmpty(); $last = $next) {
        $next = (int) substr($queue->extract(), 6) * 7919 % 20_011;
        expect($next <= $last, true);
    }
}

function cycles() {
    for ($n = 0; $n < 100_000; ++$n) {
        $one = new stdClass();
        $one->text = str_repeat("c", $n % 300);
        $one->other = new ArrayObject([$one]);
    }
    unset($one);
    expect(gc_collect_cycles() > 0, true);
}

function growth() {
    $text = "";
    for ($n = 0; $n < 400_000; ++$n) $text .= chr(97 + $n % 26) . $n;
    expect(strlen($text), 2_688_890);
    expect(strlen(str_repeat($text, 8)), 21_511_120);
}

// Each of these libraries allocates by itself, inside of a plugin.
function plugins() {
    $bytes = "";
    for ($n = 0; strlen($bytes) < 1_000_000; ++$n) $bytes .= hash("sha256", "$n", true);
    expect(gzuncompress(gzcompress($bytes . str_repeat("abcdefgh", 50_000), 9)),
           $bytes . str_repeat("abcdefgh", 50_000));
    $tree = [];
    for ($n = 0; $n < 20_000; ++$n) $tree["key $n"] = ["n" => $n, "text" => "é\n\"", "none" => null];
    expect(json_decode(json_encode($tree), true), $tree);
    expect(unserialize(serialize($tree)), $tree);
    expect(preg_match_all('/(\d+)(?=[a-f])/', bin2hex($bytes)) > 100_000, true);
    expect((new DateTimeImmutable("2024-02-28 23:00", new DateTimeZone("Europe/Vienna")))
           ->modify("+1 day")->format(DATE_ATOM), "2024-02-29T23:00:00+01:00");
    if (extension_loaded("iconv")) {
        $wide = iconv("UTF-8", "UTF-16LE", str_repeat("aé€", 50_000));
        expect([strlen($wide), iconv("UTF-16LE", "UTF-8", $wide)],
               [300_000, str_repeat("aé€", 50_000)]);
    }
    if (extension_loaded("fileinfo")) {
        expect((new finfo(FILEINFO_MIME_TYPE))->buffer("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png");
    }
    if (extension_loaded("openssl")) {
        $sealed = openssl_encrypt($bytes, "aes-256-cbc", "k", OPENSSL_RAW_DATA, str_repeat("i", 16));
        expect(openssl_decrypt($sealed, "aes-256-cbc", "k", OPENSSL_RAW_DATA, str_repeat("i", 16)),
               $bytes);
    }
    if (extension_loaded("sodium")) {
        $key = str_repeat("k", SODIUM_CRYPTO_SECRETBOX_KEYBYTES);
        $nonce = str_repeat("n", SODIUM_CRYPTO_SECRETBOX_NONCEBYTES);
        expect(sodium_crypto_secretbox_open(sodium_crypto_secretbox($bytes, $nonce, $key), $nonce,
                                            $key), $bytes);
    }
    if (extension_loaded("phar")) {
        $archive = new PharData(getcwd() . "/archive of " . getmypid() . ".tar");
        for ($n = 0; $n < 20; ++$n) $archive["file $n"] = str_repeat("$n ", 10_000);
        $compressed = $archive->compress(Phar::GZ);
        expect($compressed["file 19"]->getContent(), str_repeat("19 ", 10_000));
    }
}

// Blocks of libc's functions and of this program's, freed by the other.
function c_interface() {
    if (!extension_loaded("FFI")) return;
    $c = FFI::cdef("void *malloc(size_t size); void free(void *block);
                    char *strdup(const char *text); void *realloc(void *block, size_t size);");
    for ($size = 1; $size < 10_000_000; $size *= 3) {
        $block = $c->realloc($c->malloc($size), 2 * $size);
        FFI::memset($block, 7, 2 * $size);
        expect(FFI::string($block, 2 * $size), str_repeat("\x07", 2 * $size));
        $c->free($block);
        $copy = $c->strdup(str_repeat("s", $size));
        expect(strlen(FFI::string($copy)), $size);
        $c->free($copy);
    }
}

function forks() {
    if (!extension_loaded("pcntl")) return;
    $inherited = range(0, 100_000);
    for ($n = 0; $n < 10; ++$n) {
        $child = pcntl_fork();
        if ($child === 0) {
            containers();
            exit(library_is_mapped() && count($inherited) === 100_001 ? 7 : 1);
        }
        pcntl_waitpid($child, $status);
        expect(pcntl_wexitstatus($status), 7);
    }
}

expect(library_is_mapped(), true);
foreach (["containers", "cycles", "growth", "plugins", "c_interface", "forks"] as $section) {
    $section();
    echo "right: $section\n";
}
