using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>What the layers of a family made, as a model: which weights are trained, and what a loss sees.</summary>
static class FamilyModel
{
    /// <summary>The model of a family's layers.</summary>
    /// <param name="layers">After the family has built its program.</param>
    /// <param name="used">The weights of the checkpoint, in its order.</param>
    /// <param name="adapter">The adapter that is trained while the checkpoint stays as it is; null where the checkpoint is trained.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="path">The checkpoint's file, for messages.</param>
    /// <exception cref="TiebreakException">A glob fits nothing, or the outputs are no loss.</exception>
    public static Model Of(FamilyLayers layers, IReadOnlyList<ParameterTensor> used, LoraAdapter? adapter, LoweringOptions options, string path)
    {
        var own = adapter?.Trained ?? [];
        var replaced = adapter?.Replaced ?? new HashSet<string>(StringComparer.Ordinal);
        ParameterTensor[] all = [.. own, .. used.Where(tensor => !replaced.Contains(tensor.Name))];
        string[] names = [.. all.Select(tensor => tensor.Name)];
        NameGlob.RequireHits(options.Trainable, names, "--trainable");
        NameGlob.RequireHits(options.Freeze, [.. names, .. layers.Weights.Others], "--freeze");
        var trained = new HashSet<string>(adapter is null ? names : own.Select(tensor => tensor.Name), StringComparer.Ordinal);
        bool IsTrained(string name) => (trained.Contains(name) || NameGlob.MatchesAny(options.Trainable, name)) && !NameGlob.MatchesAny(options.Freeze, name);

        var outputs = Outputs(layers, options, path);
        foreach (var (name, node) in outputs) layers.Builder.Output(name, node);
        var program = layers.Builder.Build();
        ProgramGrammar.Check(program);
        if (options.OutputIsLoss && (outputs.Count != 1 || outputs[0].Node.Shape.Count != 1))
            throw new TiebreakException($"--loss outputs: {path} gives {string.Join(", ", outputs.Select(output => $"`{output.Name}`"))}, none of which is a loss; leave --loss out, or use --loss cross-entropy");
        return new Model
        {
            Program = program,
            Parameters = [.. all.Where(tensor => IsTrained(tensor.Name))],
            Frozen = [.. all.Where(tensor => !IsTrained(tensor.Name))],
            OutputIsLoss = options.OutputIsLoss,
            Dims = options.Dims,
            HasDropout = layers.HasDropout,
            KnowsTokenAxes = true,
            Notes = layers.Notes,
        };
    }

    static List<(string Name, Node Node)> Outputs(FamilyLayers layers, LoweringOptions options, string path)
    {
        NameGlob.RequireHits(options.Outputs, [.. layers.Seen.Select(output => output.Name)], "--outputs");
        var outputs = layers.Seen.Where(output => options.Outputs.Count == 0 || NameGlob.MatchesAny(options.Outputs, output.Name)).ToList();
        foreach (var name in options.AlsoOutputs)
        {
            if (outputs.Exists(output => output.Name == name)) continue;
            var inner = layers.Inner.Concat(layers.Seen).ToArray();
            var place = Array.FindIndex(inner, value => value.Name == name);
            if (place < 0)
            {
                var nearest = NearestName.Find(name, inner.Select(value => value.Name));
                throw new TiebreakException($"--also-output {name}: {path} has no value of that name; {(nearest is null ? $"there are {string.Join(", ", inner.Take(5).Select(value => $"`{value.Name}`"))}{(inner.Length > 5 ? ", …" : "")}" : $"did you mean `{nearest}`?")}");
            }

            outputs.Add(inner[place]);
        }

        return outputs;
    }
}
