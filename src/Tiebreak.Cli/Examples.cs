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
              tiebreak check model.onnx --format json           the same for scripts
              tiebreak check model.onnx --dim sequence=16       with a size for a free dimension
              tiebreak check model.onnx --freeze 'encoder.*'    with some tensors not trained
              tiebreak check loss.tb --fail-on warning          a formula; exit code 1 from warnings on

            Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 an error, 130 interrupted.

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
              tiebreak show model.onnx --program                what the reader made of the model

            """,
    };
}
