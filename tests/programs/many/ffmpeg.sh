# ffmpeg: H.264, AAC and VP9, by threads.
# packages: ffmpeg
ffmpeg -loglevel error -f lavfi -i testsrc=duration=4:size=640x360:rate=25 -f lavfi -i sine=duration=4 \
  -c:v libx264 -threads 8 -c:a aac a.mp4
ffmpeg -loglevel error -i a.mp4 -vf scale=320:180 -c:v libvpx-vp9 -cpu-used 8 -threads 4 b.webm
ffmpeg -loglevel error -i b.webm -map 0:v -f framemd5 - | grep -c '^0'
