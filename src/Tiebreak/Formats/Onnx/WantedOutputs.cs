using global::Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx;

/// <summary>Which values of a graph a loss sees.</summary>
static class WantedOutputs
{
    /// <summary>Float outputs that <c>--outputs</c> selects, then the inner values of <c>--also-output</c>.</summary>
    /// <exception cref="TiebreakException">An option names nothing.</exception>
    public static IReadOnlyList<string> Of(OnnxGraph graph, LoweringOptions options, List<string> notes)
    {
        var real = new List<string>();
        foreach (var output in graph.Proto.Output)
        {
            // A type left out is decided when the value is known.
            var type = (DataType)(output.Type?.TensorType?.ElemType ?? 0);
            if (type == DataType.Undefined || options.WholeOutputs || TensorReader.FormatOf(type) is not null) real.Add(output.Name);
            else notes.Add($"output `{output.Name}` holds no real numbers, so no loss sees it");
        }

        NameGlob.RequireHits(options.Outputs, real, "--outputs");
        var wanted = options.Outputs.Count == 0 ? real : real.FindAll(name => NameGlob.MatchesAny(options.Outputs, name));
        foreach (var name in options.AlsoOutputs)
        {
            if (wanted.Contains(name, StringComparer.Ordinal)) continue;
            var known = Inner(graph);
            if (!known.Contains(name, StringComparer.Ordinal))
            {
                var nearest = NearestName.Find(name, known);
                throw new TiebreakException($"--also-output {name}: {graph.Path} has no tensor of that name; {(nearest is null ? "see the names with `tiebreak show --program`" : $"did you mean `{nearest}`?")}");
            }

            wanted = [.. wanted, name];
        }

        return wanted;
    }

    static List<string> Inner(OnnxGraph graph) => [.. graph.Proto.Node.SelectMany(node => node.Output).Where(name => name.Length > 0)];
}
