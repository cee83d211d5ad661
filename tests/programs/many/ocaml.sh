# ocamlopt, and what it makes.
# packages: ocaml-nox
cat > load.ml <<'X'
let () =
  let table = Hashtbl.create 10 and buffer = Buffer.create 1 in
  for i = 0 to 500000 do Hashtbl.replace table (i mod 9973) (String.make (i mod 300) 'x') done;
  Hashtbl.iter (fun _ text -> Buffer.add_string buffer text) table;
  Printf.printf "%d %d\n" (Hashtbl.length table) (Buffer.length buffer)
X
ocamlfind ocamlopt load.ml -o load 2> /dev/null || ocamlopt load.ml -o load
./load
