# PHP, which loads its extensions with RTLD_DEEPBIND: with its own allocator, and without.
# packages: php-cli
program='
$kept = [];
for ($i = 0; $i < 300000; $i++) {
  $kept["k$i"] = str_repeat("x", $i % 100);
  if ($i % 3 == 0) unset($kept["k" . ($i >> 1)]);
}
echo count($kept), " ", strlen(serialize($kept)), " ", strlen(json_encode($kept)), "\n";
$db = class_exists("PDO") ? count(PDO::getAvailableDrivers()) : 0;
echo iconv("UTF-8", "ISO-8859-1", "ok"), " ", ctype_alpha("abc") ? 1 : 0, "\n";'
php -d memory_limit=1G -r "$program" && USE_ZEND_ALLOC=0 php -d memory_limit=1G -r "$program"
