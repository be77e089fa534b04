using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>
/// An adapter without its base: each layer that it adapts reads any numbers, and any loss sees what its factors add. The base could only send fewer, so what is in lockstep or stuck here is so with
/// any base.
/// </summary>
sealed class LoneAdapter(LoraAdapter adapter) : IModelFile
{
    /// <inheritdoc/>
    public string Format => "safetensors";

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => adapter.Files;

    /// <inheritdoc/>
    public string Whole => adapter.Home;

    /// <inheritdoc/>
    public IReadOnlyList<string> FreeDims => [];

    /// <inheritdoc/>
    public IReadOnlyList<DataInput> Inputs => [];

    /// <inheritdoc/>
    public Model Lower(LoweringOptions options)
    {
        if (options.Opaque.Count > 0) throw FamilyErrors.OptionOfGraphs(adapter.Path, "--opaque");
        if (options.OutputIsLoss) throw new TiebreakException($"--loss outputs: {adapter.Path} is an adapter without its base and has no loss; leave --loss out");
        if (options.SizesAreOfData) throw new TiebreakException($"--data: {adapter.Path} is an adapter without its base, so nothing of a table reaches it; leave --data out, or put the base where base_model_name_or_path says");
        var builder = new ProgramBuilder();
        var seen = new List<(string Name, Node Node)>();
        var parameters = new List<ParameterTensor>();
        foreach (var (module, down, up, isLookUp) in adapter.Pairs())
        {
            builder.Origin = $"node {module} (adapter)";
            var x = builder.Data($"what {module} reads", new Shape(down.Shape[1]), isLookUp ? DataKind.Distribution : DataKind.Free);
            var narrow = builder.Contract("i", "ri", "r", x, builder.Parameter(down.Name, down.Shape));
            seen.Add((module, builder.Scale(builder.Contract("r", "or", "o", narrow, builder.Parameter(up.Name, up.Shape)), adapter.ScaleOf(module, down.Shape[0]))));
            parameters.AddRange([adapter.Tensor(down), adapter.Tensor(up)]);
        }

        foreach (var tensor in adapter.Whole())
        {
            builder.Origin = $"node {tensor.Name} (whole tensor)";
            seen.Add((tensor.Name, builder.Multiply(builder.Parameter(tensor.Name, tensor.Shape), builder.Data($"what {tensor.Name} meets", tensor.Shape))));
            parameters.Add(adapter.Tensor(tensor));
        }

        string[] names = [.. parameters.Select(parameter => parameter.Name)];
        NameGlob.RequireHits(options.Trainable, names, "--trainable");
        NameGlob.RequireHits(options.Freeze, names, "--freeze");
        NameGlob.RequireHits(options.Outputs, [.. seen.Select(output => output.Name)], "--outputs");
        foreach (var (name, node) in seen)
            if (options.Outputs.Count == 0 || NameGlob.MatchesAny(options.Outputs, name)) builder.Output(name, node);
        var program = builder.Build();
        ProgramGrammar.Check(program);
        return new Model
        {
            Program = program,
            Parameters = [.. parameters.Where(parameter => !NameGlob.MatchesAny(options.Freeze, parameter.Name))],
            Frozen = [.. parameters.Where(parameter => NameGlob.MatchesAny(options.Freeze, parameter.Name))],
            OutputIsLoss = false,
            KnowsTokenAxes = true,
            Notes = [adapter.BaseName.Length == 0 ? "the adapter names no base: each adapted layer is analysed alone, on any inputs" : $"the base {adapter.BaseName} is not on this machine: each adapted layer is analysed alone, on any inputs"],
        };
    }

    /// <inheritdoc/>
    public FloatFormat? StoredAs(string tensor) => adapter.Find(tensor)?.Type.FormatOf();

    /// <inheritdoc/>
    public void WriteChanged(StagedFiles files, ModelChanges changes) => adapter.WriteChanged(files, changes);

    /// <inheritdoc/>
    public void Dispose() => adapter.Dispose();
}
