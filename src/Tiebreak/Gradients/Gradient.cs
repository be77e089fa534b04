using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Gradients;

/// <summary>Reverse mode as a transformation of programs: from outputs to the adjoints of all parameters.</summary>
public static class Gradient
{
    /// <summary>
    /// Adds to <paramref name="program"/> the gradient of a loss with respect to each parameter. The result's outputs are the
    /// gradients, one for each parameter on which the loss depends at all, under the parameter's name and of its shape.
    /// </summary>
    /// <param name="program">From parameters and data to outputs.</param>
    /// <param name="outputIsLoss">True: the sum of the outputs is the loss. False: any loss; each output gets a free adjoint as a data leaf.</param>
    /// <param name="parameters">The names to differentiate by.</param>
    public static TensorProgram Of(TensorProgram program, bool outputIsLoss, IReadOnlySet<string> parameters) => WithAdjoints(program, outputIsLoss, parameters).Program;

    /// <summary>The same, and for each node of <paramref name="program"/> the node of the result that is its adjoint; null where the loss does not depend on it, or no parameter reaches it.</summary>
    public static (TensorProgram Program, IReadOnlyList<Node?> Adjoints) WithAdjoints(TensorProgram program, bool outputIsLoss, IReadOnlySet<string> parameters)
    {
        var depends = program.DependsOn(leaf => leaf is Primitive.Parameter p && parameters.Contains(p.Name));
        var builder = new ProgramBuilder(program.Nodes); // forward nodes keep their identity; only the outputs are replaced
        var adjoints = new Node?[program.Nodes.Count];

        foreach (var (name, output) in program.Outputs)
            if (depends[output.Id])
            {
                var seed = outputIsLoss ? builder.Fill(Rational.One, output.Shape) : builder.Data($"loss adjoint of {name}", output.Shape, DataKind.LossAdjoint);
                Accumulate(output, seed);
            }

        var gradients = new List<(string Name, Node Node)>();
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            var node = program.Nodes[id];
            if (adjoints[id] is not { } adjoint) continue;
            if (node.Primitive is Primitive.Parameter parameter) gradients.Add((parameter.Name, adjoint));
            builder.Origin = node.Origin;
            var contributions = AdjointRules.Contributions(builder, node, adjoint, operand => depends[operand.Id]);
            for (var k = 0; k < contributions.Length; k++)
                if (contributions[k] is { } contribution && depends[node.Operands[k].Id]) Accumulate(node.Operands[k], contribution);
        }

        foreach (var (name, node) in gradients) builder.Output(name, node);
        return (builder.Build(), adjoints);

        void Accumulate(Node node, Node contribution) =>
            adjoints[node.Id] = adjoints[node.Id] is { } sum ? builder.Add(sum, contribution) : contribution;
    }
}
