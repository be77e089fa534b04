namespace Tiebreak.Cli;

/// <summary>What <c>--help</c> ends with.</summary>
static class Examples
{
    /// <summary>The examples of a command, as lines.</summary>
    public static string Of(string command) => command switch
    {
        "check" =>
            """
            Examples:
              tiebreak check model.onnx                         the verdict, the findings and a table of tensors
              tiebreak check Llama-3.2-1B                       a checkpoint: config.json and safetensors files
              tiebreak check gpt2 --tokenizer tokenizer.json    rows of token tables with their tokens
              tiebreak check model.onnx --format json           the same for scripts
              tiebreak check model.onnx --dim sequence=16       with a size for a free dimension
              tiebreak check model.onnx --freeze 'encoder.*'    with some tensors not trained
              tiebreak check loss.tb --data table.csv --pattern what only this data ties
              tiebreak check trained.onnx --tolerance 1e-3      units that nearly agree, too
              tiebreak check loss.tb --fail-on warning          a formula; exit code 1 from warnings on

            Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 an error, 130 interrupted.

            """,
        "why" =>
            """
            Examples:
              tiebreak why model.onnx 'fc1.weight[2,0]' 'fc1.weight[3,0]'     why these two stay equal, or what tells them apart
              tiebreak why model.onnx 'fc1.weight[2,*]' 'fc1.weight[3,*]'     the same for two rows
              tiebreak why model.onnx 'attn.key.bias[0]'                      why one is stuck, or what it waits for
              tiebreak why model.onnx 'attn.key.bias' --format svg --output why.svg

            """,
        "reduce" =>
            """
            Examples:
              tiebreak reduce model.onnx -o small.onnx                        one unit for each class of units in lockstep, trains like the large model
              tiebreak reduce model.onnx -o small.onnx --for inference        computes the same now, whatever the outgoing weights
              tiebreak reduce model.onnx -o small.onnx --tolerance 1e-3 --data table.csv  also nearly equal units of a trained model; the error, measured on the table

            Exit codes: 0 written (or nothing to merge), 2 an error, 130 interrupted.

            """,
        "fix" =>
            """
            Examples:
              tiebreak fix model.onnx -o fixed.onnx                            start values that training can pull apart
              tiebreak fix model.onnx -o fixed.onnx --init xavier --seed 7     fresh weights drawn in another way
              tiebreak fix wider.onnx -o fixed.onnx --method noise --scale 0.1 a little noise on copies, nothing else
              tiebreak fix Llama-3.2-1B -o Llama-fixed                         a checkpoint: the same files, other numbers in the tensors repaired
              tiebreak fix loss.tb -o fixed.tb --drop-redundant --force        a formula; biases that are cancelled become zero

            Exit codes: 0 repaired, nothing at error level is left, 1 something is, 2 an error (and no file), 130 interrupted (and no file).

            """,
        "verify" =>
            """
            Examples:
              tiebreak check model.onnx --certificate model.proof.json
              tiebreak verify model.onnx model.proof.json

            Exit codes: 0 proved, 1 not proved, 2 an error, 130 interrupted.

            """,
        "train" =>
            """
            Examples:
              tiebreak train loss.tb --data table.csv --steps 500 --plot run.png      float64, plain gradient descent, all rows in each batch
              tiebreak train loss.tb --data table.csv --exact                         the same steps in a finite field, where equality is exact
              tiebreak train net.onnx --data table.csv --loss cross-entropy --map target=class --optimizer adam --batch-rows 32

            Exit codes: 0 done, 1 the exact run contradicts the prediction, 2 an error, 130 interrupted.

            """,
        "explain" or "rules" =>
            """
            Examples:
              tiebreak rules                                    all rules, a line each
              tiebreak explain TB001                            one of them, with an example and what to do
              tiebreak explain lockstep-units                   the same by name

            """,
        "show" =>
            """
            Examples:
              tiebreak show model.onnx --program                what the reader made of the model, one line a node

            """,
        _ =>
            """
            Examples:
              tiebreak check model.onnx                         what training can never separate or move, and why
              tiebreak why model.onnx PARAM PARAM               why two parameters stay equal, or what tells them apart
              tiebreak reduce model.onnx -o small.onnx          the smaller network that trains alike
              tiebreak fix model.onnx -o fixed.onnx             a model whose start values training can pull apart
              tiebreak verify model.onnx certificate.json       a certificate of the answer, checked by code of its own
              tiebreak train loss.tb --data table.csv           real training beside the prediction
              tiebreak show model.onnx --program                what the reader made of the model
              tiebreak explain TB001                            the page of a rule

            """,
    };
}
