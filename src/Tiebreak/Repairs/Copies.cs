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
    /// <param name="isForTraining">Whether parameters are wherever training can take them; else they stay, and equal ones need not be copies.</param>
    public static IReadOnlyDictionary<string, string> Find(Model model, PointRun run, bool isForTraining)
    {
        if (model.ValueNodes.Count == 0) return Tensors(model, run, isForTraining);
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

    // A formula names no values but its tensors: those that are always the same, zeros (which say nothing) apart. Numbers that only start alike are copies where what is made of them is the same, too.
    static Dictionary<string, string> Tensors(Model model, PointRun run, bool isForTraining)
    {
        var trained = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        var tensors = model.Program.Nodes.Where(node => node.Primitive is Primitive.Parameter { Name: var name } && trained.Contains(name) && node.Shape.Count > 0).ToArray();
        var uses = model.Program.Nodes.SelectMany(user => user.Operands.Distinct().Select(operand => (operand.Id, User: user))).ToLookup(use => use.Id, use => use.User);
        IEnumerable<Node> Made(Node node) => uses[node.Id].SelectMany(user => user.Primitive is Primitive.Transpose or Primitive.Reshape or Primitive.Broadcast ? Made(user) : [user]);
        var prints = run.Prints([.. tensors.Concat(isForTraining ? [] : tensors.SelectMany(Made)).DistinctBy(node => node.Id)]);
        bool AreUsedAlike(Node node, Node other) => isForTraining || Made(node).All(one => Made(other).Any(two => two.Shape == one.Shape && prints[two.Id] == prints[one.Id]));
        var first = new Dictionary<(Shape, ulong), Node>();
        var same = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in tensors)
        {
            if (prints[node.Id] == 0 || first.TryAdd((node.Shape, prints[node.Id]), node)) continue;
            var other = first[(node.Shape, prints[node.Id])];
            if (AreUsedAlike(node, other)) same.Add(((Primitive.Parameter)node.Primitive).Name, ((Primitive.Parameter)other.Primitive).Name);
        }

        return same;
    }
}
