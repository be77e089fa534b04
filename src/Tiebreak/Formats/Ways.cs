using Tiebreak.Programs;

namespace Tiebreak.Formats;

/// <summary>One way through a model whose branches data decide, at sizes that suit it.</summary>
/// <param name="Branches">Whether the first branch is taken, in the order met.</param>
/// <param name="Dims">Sizes of free dimensions.</param>
public sealed record Way(IReadOnlyList<bool> Branches, IReadOnlyDictionary<string, int> Dims);

/// <summary>
/// Several ways through one model as a single one: they share its parameters, and each has samples and outputs of its own, as data sets hold samples of each kind. So
/// nothing is hidden by a branch that was not taken (theory §4: random, never discrete).
/// </summary>
static class Ways
{
    /// <summary>Lowers again under other options, along the same ways.</summary>
    /// <exception cref="TiebreakException">As for <see cref="IModelFile.Lower"/>.</exception>
    public static Model Lower(IModelFile file, LoweringOptions options, IReadOnlyList<Way> ways) =>
        Join([.. ways.Select(way => file.Lower(options with { Branches = way.Branches, Dims = way.Dims.Where(dim => file.FreeDims.Contains(dim.Key, StringComparer.Ordinal)).ToDictionary(StringComparer.Ordinal) }))]);

    /// <summary>Puts models of the same parameters together; of one it is that one.</summary>
    public static Model Join(IReadOnlyList<Model> models)
    {
        Way[] ways = [.. models.Select(model => new Way([.. model.Branches.Select(branch => branch.First)], model.Dims))];
        var first = models[0] with { Ways = ways };
        if (models.Count == 1) return first;
        var builder = new ProgramBuilder();
        Node? loss = null;
        for (var way = 0; way < models.Count; way++)
        {
            foreach (var (name, node) in Copy(models[way].Program, builder, way))
            {
                // A sample counts as much as data has of its kind, so the losses of two ways never cancel.
                if (first.OutputIsLoss) loss = Add(builder, loss, builder.Multiply(node, builder.BroadcastTo(builder.Data(NameIn(way, "share of the samples"), Shape.Scalar), node.Shape)));
                else builder.Output(NameIn(way, name), node);
            }
        }

        if (loss is not null) builder.Output(first.OutputNames[0], loss);
        var normalised = models.Where(model => model.SmallestBatchNormSet > 0).Select(model => model.SmallestBatchNormSet).ToArray();
        return first with
        {
            Program = builder.Build(),
            OutputNames = first.OutputNames,
            Parameters = [.. first.Parameters.Select((parameter, k) => models.Select(model => model.Parameters[k]).FirstOrDefault(other => other.Role != ParameterRole.Other) ?? parameter)],
            HasBatchNorm = models.Any(model => model.HasBatchNorm),
            SmallestBatchNormSet = normalised.DefaultIfEmpty(0).Min(),
            HasDropout = models.Any(model => model.HasDropout),
            NeverReached = models.Sum(model => model.NeverReached),
            Notes = [.. models.SelectMany(model => model.Notes).Append(Note(models)).Distinct(StringComparer.Ordinal)],
        };
    }

    static string Note(IReadOnlyList<Model> models)
    {
        var nodes = models.SelectMany(model => model.Branches).Select(branch => $"`{branch.Node}`").Distinct(StringComparer.Ordinal).ToArray();
        return $"data decide at {string.Join(", ", nodes)}: {models.Count} ways through the model, each with samples of its own";
    }

    static IEnumerable<(string Name, Node Node)> Copy(TensorProgram program, ProgramBuilder builder, int way)
    {
        var copies = new Node[program.Nodes.Count];
        foreach (var node in program.Nodes)
        {
            builder.Origin = node.Origin;
            copies[node.Id] = node.Primitive is Primitive.Data data ? builder.Data(NameIn(way, data.Name), node.Shape, data.Kind) : builder.Again(node, [.. node.Operands.Select(operand => copies[operand.Id])]);
        }

        return program.Outputs.Select(output => (output.Name, copies[output.Node.Id]));
    }

    static Node Add(ProgramBuilder builder, Node? sum, Node term) => sum is null ? term : builder.Add(builder.Reshape(sum, term.Shape), term);

    static string NameIn(int way, string name) => way == 0 ? name : $"{name}, way {way + 1}";
}
