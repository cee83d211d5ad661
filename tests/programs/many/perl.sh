# Perl with PERL_USE_ITHREADS: each thread begins with a copy of the interpreter, which another made.
# packages: perl
perl -Mthreads -e '
my @threads = map { threads->create(sub {
  my (%of, $sum);
  $of{$_ % 7000} .= chr(65 + $_ % 26) x ($_ % 50) for 1 .. 200000;
  $sum += length for values %of;
  $sum;
}) } 1 .. 6;
print $_->join(), "\n" for @threads;
my $text = "";
$text .= "abc$_" for 1 .. 500000;
$text =~ s/b/BB/g;
print length($text), "\n"'
