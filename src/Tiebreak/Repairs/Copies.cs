using Tiebreak.Formats;
using Tiebreak.Programs;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>Whole values of a model that are always the same: copies of a sub-network that are fed alike. All but the first can be read from there.</summary>
static class Copies
{
    /// <summary>For values that repeat an earlier one, which.</summary>
    /// <param name="model">The model, with the nodes of its values.</param>
    /// <param name="run">A random point.</param>
    public static IReadOnlyDictionary<string, string> Find(Model model, PointRun run)
    {
        if (model.ValueNodes.Count == 0) return Tensors(model, run);
        var nodes = model.ValueNodes.Values.Where(node => node.Primitive is not (Primitive.Parameter or Primitive.Constant) && node.Shape.Count > 0).DistinctBy(node => node.Id).ToArray();
        var sums = run.Prints(nodes);
        var outputs = model.OutputNames.ToHashSet(StringComparer.Ordinal);
        var first = new Dictionary<(Shape, ulong), string>();
        var same = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, node) in model.ValueNodes) // in the order of the graph, so that what is first can be read by all
        {
            if (!sums.TryGetValue(node.Id, out var sum)) continue;
            if (!first.TryAdd((node.Shape, sum), name) && !outputs.Contains(name)) same.Add(name, first[(node.Shape, sum)]);
        }

        return same;
    }

    // A formula names no values but its tensors: those that are always the same, zeros (which say nothing) apart.
    static Dictionary<string, string> Tensors(Model model, PointRun run)
    {
        var trained = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        var nodes = model.Program.Nodes.Where(node => node.Primitive is Primitive.Parameter { Name: var name } && trained.Contains(name) && node.Shape.Count > 0).ToArray();
        var sums = run.Prints(nodes);
        var first = new Dictionary<(Shape, ulong), string>();
        var same = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            var name = ((Primitive.Parameter)node.Primitive).Name;
            if (sums[node.Id] != 0 && !first.TryAdd((node.Shape, sums[node.Id]), name)) same.Add(name, first[(node.Shape, sums[node.Id])]);
        }

        return same;
    }
}
