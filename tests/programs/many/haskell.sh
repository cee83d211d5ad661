# ghc, and what it makes: a threaded run-time system, and C blocks from it.
# packages: ghc
cat > load.hs <<'X'
import Control.Concurrent
import qualified Data.Map as Map
import Foreign

work :: Int -> MVar Int -> IO ()
work k done = do
  block <- mallocBytes (1000 * k) :: IO (Ptr Word8)
  poke block 1
  longer <- reallocBytes block (100000 * k)
  free longer
  putMVar done $! Map.size (Map.fromList [(i * 7919 `mod` 100003, i) | i <- [1 .. 100000 :: Int]])

main :: IO ()
main = do
  dones <- mapM (\k -> do { done <- newEmptyMVar; _ <- forkIO (work k done); return done }) [1 .. 8]
  sizes <- mapM takeMVar dones
  print (sum sizes)
X
ghc -O -threaded -rtsopts load.hs -o load > /dev/null && ./load +RTS -N4
