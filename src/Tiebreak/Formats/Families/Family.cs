namespace Tiebreak.Formats.Families;

/// <summary>One family of architectures: builds the program that its configuration describes from weights under the names its checkpoints have.</summary>
abstract class Family
{
    /// <summary>All families. A new one is a class and a line here.</summary>
    static readonly Family[] All =
    [
        new Gpt2(),
        new Llama(),
        new Mistral(),
        new Qwen(),
        new Gemma(),
        new Phi3(),
        new Mixtral(),
        new QwenExperts(),
        new Bert(),
        new Roberta(),
        new Vit(),
        new T5(),
    ];

    /// <summary>The values of <c>model_type</c> that are known, for messages and pages.</summary>
    public static IEnumerable<string> Known => All.SelectMany(family => family.Types).Order(StringComparer.Ordinal);

    /// <summary>Its names in configurations (<c>model_type</c>).</summary>
    public abstract IReadOnlyList<string> Types { get; }

    /// <summary>Names of the sizes that inputs leave free.</summary>
    public virtual IReadOnlyList<string> FreeDims(FamilyConfig config) => ["sequence"];

    /// <summary>What data supplies.</summary>
    public virtual IReadOnlyList<DataInput> Inputs(FamilyConfig config) => [Tokens("input_ids", "sequence")];

    /// <summary>Builds the program: leaves what a loss sees in <see cref="FamilyLayers.Seen"/>.</summary>
    /// <exception cref="TiebreakException">Configuration and weights do not fit together, or something is not supported.</exception>
    public abstract void Build(FamilyLayers layers);

    /// <summary>The family of a name; null where there is none.</summary>
    public static Family? Find(string type) => Array.Find(All, family => family.Types.Contains(type, StringComparer.Ordinal));

    /// <summary>An input of indices.</summary>
    protected static DataInput Tokens(string name, string length) => new(name, [new DataDim(1, null), new DataDim(0, length)], HasSampleAxis: true, IsInteger: true);

    /// <summary>What stands before the names of the weights: the model's own prefix, or nothing in a checkpoint of the bare model.</summary>
    protected static string Prefix(FamilyLayers layers, string prefix, string first) => layers.Weights.Has(prefix + first) ? prefix : "";

    /// <summary>Whether the classes that saved the weights include one whose name ends so.</summary>
    protected static bool Saved(FamilyLayers layers, params ReadOnlySpan<string> ends)
    {
        foreach (var name in layers.Config.Architectures)
            foreach (var end in ends)
                if (name.EndsWith(end, StringComparison.Ordinal)) return true;
        return false;
    }
}
