# JavaScript: buffers, zlib, workers that come and go.
# packages: nodejs
node -e '
const crypto = require("crypto"), zlib = require("zlib"), {Worker} = require("worker_threads");
let sum = 0;
for (let i = 0; i < 200; i++) {
  sum += crypto.createHash("sha256").update(Buffer.alloc(100000, i)).digest()[0];
  sum += zlib.inflateSync(zlib.deflateSync(Buffer.alloc(300000, i))).length;
}
let left = 8;
for (let i = 0; i < 8; i++) {
  new Worker(`const kept = [];
              for (let i = 0; i < 200000; i++) {
                kept.push(Buffer.alloc(i % 5000));
                if (kept.length > 1000) kept.length = 0;
              }`, {eval: true}).on("exit", () => { if (--left == 0) console.log(sum); });
}'
