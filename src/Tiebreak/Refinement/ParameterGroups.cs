using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Parameter groups with learning rates of their own: the gradients of each are multiplied by a random number, the unknown rate, so that across groups only zero equals zero.
/// </summary>
static class ParameterGroups
{
    /// <summary>The gradient program with the rates of the groups.</summary>
    public static TensorProgram Apply(TensorProgram gradient, Func<string, int> groupOf)
    {
        if (gradient.Outputs.All(output => groupOf(output.Name) == 0)) return gradient;
        var builder = new ProgramBuilder(gradient.Nodes);
        var outputs = new List<(string Name, Node Node)>();
        foreach (var (name, node) in gradient.Outputs)
        {
            var group = groupOf(name);
            outputs.Add((name, group == 0 ? node : builder.Multiply(node, builder.BroadcastTo(builder.Data($"rate of group {group}", Shape.Scalar), node.Shape))));
        }

        return builder.Build().WithOutputs(outputs);
    }
}
