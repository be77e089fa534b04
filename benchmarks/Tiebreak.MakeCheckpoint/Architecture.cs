using Tiebreak.Programs;

namespace Tiebreak.MakeCheckpoint;

/// <summary>A tensor to write: N(<paramref name="Center"/>, <paramref name="Deviation"/>²), but for what is copied into it.</summary>
/// <param name="Name">As the family has it.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Deviation">Of its numbers.</param>
/// <param name="Center">1 for the scales of normalisations.</param>
public sealed record TensorPlan(string Name, Shape Shape, double Deviation, double Center = 0);

/// <summary>One family: its tensors and their sizes, its configuration, and what has to be copied to plant a tie.</summary>
public abstract class Architecture
{
    /// <summary>Widths that sizes are looked for among.</summary>
    static readonly int[] Widths = [32, 64, 128, 192, 256, 384, 512, 768, 1024, 1280, 1600, 2048, 2560, 3072, 4096, 5120, 6144, 8192];

    /// <summary>Those of this model.</summary>
    public required ModelSize Size { get; init; }

    /// <summary><c>model_type</c>.</summary>
    public abstract string Type { get; }

    /// <summary>All tensors, by name as safetensors files have them.</summary>
    public IReadOnlyList<TensorPlan> Tensors => field ??= [.. Plans().OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];

    /// <summary>How many parameters that is.</summary>
    public long Parameters => Tensors.Sum(tensor => tensor.Shape.Count);

    /// <summary>How many of them no loss ever moves, whatever the weights are.</summary>
    public virtual long Stuck => 0;

    /// <summary>The text of <c>config.json</c>.</summary>
    /// <param name="type">The word for the type of its numbers.</param>
    /// <param name="dropout">The rate of dropouts, where the family has them.</param>
    public abstract string Config(string type, double dropout);

    /// <summary>What is copied when units of a feed-forward layer become equal: incoming and outgoing weights.</summary>
    public abstract IEnumerable<Copied> Units(int layer, params int[] units);

    /// <summary>What is copied when a head becomes another's copy: the queries and what leaves the head, and keys and values where it has its own.</summary>
    public abstract IEnumerable<Copied> Heads(int layer, int from, int to);

    /// <summary>What is copied when a token becomes another's copy.</summary>
    public abstract IEnumerable<Copied> Tokens(int from, int to);

    /// <summary>What is copied when an expert becomes another's copy: its weights and its row of the router.</summary>
    public virtual IEnumerable<Copied> Experts(int layer, int from, int to) => throw new TiebreakException($"`{Type}` has no experts; take --family mixtral");

    /// <summary>The family of a name at the sizes that were asked for.</summary>
    /// <exception cref="TiebreakException">There is no such family, or the sizes contradict each other.</exception>
    public static Architecture Of(MakeOptions options)
    {
        Func<ModelSize, Architecture> at = options.Family switch
        {
            "gpt2" => size => new Gpt2 { Size = size },
            "llama" => size => new Llama { Size = size },
            "mixtral" => size => new Mixtral { Size = size },
            _ => throw new TiebreakException($"`--family` is gpt2, llama or mixtral, not `{options.Family}`"),
        };
        var usual = at(new ModelSize { Layers = 1, Width = 64, Heads = 1, SharedHeads = 1, Inner = 1, Vocabulary = 1 });
        var architecture = at(With(options.Sizes, Nearest(options, width => usual.Usual(width, options.Sizes), at)));
        var size = architecture.Size;
        if (size.Width % size.Heads != 0 || size.HeadSize % 2 != 0 || size.Heads % size.SharedHeads != 0) throw new TiebreakException($"{size.Heads} heads and {size.SharedHeads} of keys do not divide a width of {size.Width} into even parts");
        if (size.Chosen > size.Experts) throw new TiebreakException($"{size.Chosen} of {size.Experts} experts cannot be chosen");
        return architecture;
    }

    /// <summary>The sizes that models of the family have at a width.</summary>
    protected abstract ModelSize Usual(int width);

    /// <summary>All tensors, in any order.</summary>
    protected abstract IEnumerable<TensorPlan> Plans();

    ModelSize Usual(int width, IReadOnlyDictionary<string, int> sizes) => With(sizes, Usual(sizes.GetValueOrDefault("width", width)));

    static ModelSize With(IReadOnlyDictionary<string, int> sizes, ModelSize size)
    {
        var heads = sizes.GetValueOrDefault("heads", size.Heads);
        return size with
        {
            Layers = sizes.GetValueOrDefault("layers", size.Layers),
            Width = sizes.GetValueOrDefault("width", size.Width),
            Heads = heads,
            SharedHeads = sizes.GetValueOrDefault("kv-heads", heads % size.SharedHeads == 0 ? size.SharedHeads : 1),
            Inner = sizes.GetValueOrDefault("inner", size.Inner),
            Vocabulary = sizes.GetValueOrDefault("vocab", size.Vocabulary),
            Experts = sizes.GetValueOrDefault("experts", size.Experts),
            Chosen = sizes.GetValueOrDefault("chosen", size.Chosen),
        };
    }

    // The width whose usual number of layers comes nearest, and then as many layers as come nearest.
    static ModelSize Nearest(MakeOptions options, Func<int, ModelSize> usual, Func<ModelSize, Architecture> at)
    {
        var best = Widths.Select(usual).MinBy(size => Math.Abs(Math.Log((double)at(size).Parameters / options.Parameters)))!;
        var one = at(best with { Layers = 1 }).Parameters;
        var each = at(best with { Layers = 2 }).Parameters - one;
        return best with { Layers = (int)Math.Max(1, 1 + Math.Round((double)(options.Parameters - one) / each)) };
    }
}
