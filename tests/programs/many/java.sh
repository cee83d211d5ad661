# A JVM: the compiler, threads, direct buffers, Deflater (which is native).
# packages: openjdk-17-jdk-headless
cat > Load.java <<'X'
import java.nio.ByteBuffer;
import java.util.*;
import java.util.zip.Deflater;

public class Load {
  static long work() {
    long sum = 0;
    for (int i = 0; i < 200; i++) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(1000 + i * 777);
      Deflater deflater = new Deflater();
      deflater.setInput(new byte[50000]);
      deflater.finish();
      sum += deflater.deflate(new byte[60000]) + buffer.capacity();
      deflater.end();
      List<String> names = new ArrayList<>();
      for (int j = 0; j < 2000; j++) names.add("s" + j);
      sum += names.hashCode();
    }
    return sum;
  }
  public static void main(String[] arguments) throws Exception {
    long[] sums = new long[8];
    Thread[] threads = new Thread[8];
    for (int i = 0; i < 8; i++) {
      int mine = i;
      threads[i] = new Thread(() -> sums[mine] = work());
      threads[i].start();
    }
    for (Thread thread : threads) thread.join();
    System.out.println(Arrays.toString(sums));
  }
}
X
java -Xmx512m Load.java
