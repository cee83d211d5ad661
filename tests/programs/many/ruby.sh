# Ruby: threads, json, strings that grow, the collector, a child.
# packages: ruby
ruby -e '
require "json"
require "zlib"
threads = 8.times.map do
  Thread.new do
    kept = []
    20000.times { |i| kept << {"i" => i, "s" => "x" * (i % 300)}; kept.shift(500) if kept.size > 1000 }
    JSON.parse(JSON.generate(kept)).size
  end
end
puts threads.map(&:value).sum
text = +""
300000.times { |i| text << i.to_s }
puts Zlib.inflate(Zlib.deflate(text)).size
GC.start
GC.compact rescue 0
Process.wait(fork { puts "child" })'
