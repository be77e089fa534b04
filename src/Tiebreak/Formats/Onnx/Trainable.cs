using global::Onnx;
using Tiebreak.Formats.Onnx.Lowering;

namespace Tiebreak.Formats.Onnx;

/// <summary>
/// Which float tensors of a graph training would change. Initializers of rank 1 or more are weights unless all their uses say otherwise; Constant and
/// ConstantOfShape nodes are weights only where an operator takes them as such, or where at least two numbers meet an inner tensor element by element.
/// </summary>
sealed class Trainable
{
    const double MaskBelow = -1e4; // theory §4: such a constant before a softmax counts as −∞

    readonly OnnxGraph _graph;
    readonly HashSet<string> _constants;
    readonly HashSet<string> _inputSide;
    readonly HashSet<string> _trained = new(StringComparer.Ordinal);
    readonly HashSet<string> _elementwiseOnly = new(StringComparer.Ordinal);
    readonly List<string> _notes = [];

    /// <summary>Decides for every source of the graph.</summary>
    /// <exception cref="TiebreakException">A glob of the options matches no tensor.</exception>
    public Trainable(OnnxGraph graph, LoweringOptions options)
    {
        _graph = graph;
        var names = graph.Sources.Select(source => source.Name).ToList();
        NameGlob.RequireHits(options.Trainable, names, "--trainable");
        NameGlob.RequireHits(options.Freeze, names, "--freeze");
        _constants = Constants(graph);
        _inputSide = InputSide(graph, _constants);
        foreach (var source in graph.Sources)
        {
            var uses = Uses(source.Name);
            var trained = source.FromInitializer ? IsWeight(source, uses) : IsConstantWeight(source, uses);
            if (NameGlob.MatchesAny(options.Trainable, source.Name)) trained = true;
            if (NameGlob.MatchesAny(options.Freeze, source.Name)) trained = false;
            if (trained) _trained.Add(source.Name);
            if (!source.FromInitializer && uses.All(use => use.Kind != WeightUse.Parametric)) _elementwiseOnly.Add(source.Name);
            if (!trained && source.Shape.Rank > 0 && uses.Any(use => use.Kind is not (WeightUse.Setting or WeightUse.Other) || source.FromInitializer && use.Kind == WeightUse.Other)) Frozen.Add(source);
        }
    }

    /// <summary>Tensors used as weights that stay as they are.</summary>
    public List<WeightSource> Frozen { get; } = [];

    /// <summary>Whether a tensor that stays as it is holds plain numbers, no mask.</summary>
    public bool IsFrozenWeight(WeightSource source)
    {
        if (!Frozen.Contains(source)) return false;
        var block = new double[Math.Min(source.Values.Count, 4096)];
        for (long start = 0; start < source.Values.Count; start += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, source.Values.Count - start));
            source.Values.ReadNearest(start, part);
            foreach (var value in part)
                if (!double.IsFinite(value) || value <= MaskBelow) return false;
        }

        return true;
    }

    /// <summary>What a reader of the report should know about the choice.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Whether training changes the tensor.</summary>
    public bool IsTrained(string name) => _trained.Contains(name);

    /// <summary>Whether a tensor comes from a Constant node that only meets others element by element.</summary>
    public bool IsElementwiseConstant(string name) => _elementwiseOnly.Contains(name);

    bool IsWeight(WeightSource source, List<Use> uses)
    {
        if (source.Shape.Rank == 0) return false;
        if (uses.Count == 0) return true;
        if (uses.All(use => use.Kind is WeightUse.Statistics or WeightUse.Setting)) return false;
        var real = uses.Where(use => use.Kind != WeightUse.Setting).ToList();
        if (real.All(use => use.Kind == WeightUse.Elementwise) && IsMask(source, zeroOne: false)) return NotTrained(source, "holds a mask");
        return !(real.All(use => use.MeetsImage) && IsPerChannel(source)) || NotTrained(source, "only meets input images, like a pixel mean");
    }

    bool IsConstantWeight(WeightSource source, List<Use> uses)
    {
        if (source.Shape.Rank == 0) return false;
        if (uses.Any(use => use.Kind == WeightUse.Parametric)) return true;
        var elementwise = uses.Where(use => use.Kind == WeightUse.Elementwise).ToList();
        if (elementwise.Count == 0 || source.Shape.Count < 2 || elementwise.All(use => use.MeetsInput)) return false;
        return !IsMask(source, zeroOne: true) || NotTrained(source, "holds a mask");
    }

    bool NotTrained(WeightSource source, string why)
    {
        _notes.Add($"`{source.Name}` {why}, so it is not trained; --trainable {source.Name} changes that");
        return false;
    }

    /// <summary>Uses of a value, followed through operators that only move axes and through arithmetic with other constants.</summary>
    List<Use> Uses(string name)
    {
        var uses = new List<Use>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { name };
        var open = new Stack<(string Value, bool Mixed, bool Cut)>([(name, false, false)]);
        while (open.TryPop(out var at))
        {
            foreach (var alias in _graph.Uses.AliasesOf(at.Value))
                if (seen.Add(alias)) open.Push((alias, at.Mixed, at.Cut));
            foreach (var (node, slot) in _graph.Uses.UsersOf(at.Value))
            {
                var kind = KindOf(node, slot);
                var others = kind == WeightUse.Elementwise ? node.Input.Where((input, k) => k != slot && input.Length > 0 && !_constants.Contains(input)).ToList() : [];
                var mixes = kind == WeightUse.Elementwise && others.Count == 0;
                var cuts = IsCutting(node, slot);
                if (kind == WeightUse.ShapeOnly || mixes || cuts)
                {
                    foreach (var output in node.Output)
                        if (output.Length > 0 && seen.Add(output)) open.Push((output, at.Mixed || mixes, at.Cut || cuts));
                    if (!cuts) continue;
                }

                // Pieces of a weight are weights where a layer takes them as such; else what cuts them is their use.
                if (at.Cut && kind != WeightUse.Parametric) continue;
                if (at.Mixed && kind == WeightUse.Parametric) kind = WeightUse.Elementwise;
                var meetsInput = others.Count > 0 && others.TrueForAll(_inputSide.Contains);
                uses.Add(new Use(kind, meetsInput, meetsInput && others.TrueForAll(IsImage)));
            }
        }

        return uses;
    }

    /// <summary>Whether an operator cuts a tensor to pieces, or joins pieces of constants: exporters split and stack the weights of recurrent layers.</summary>
    bool IsCutting(NodeProto node, int slot) => node.OpType switch
    {
        "Slice" or "Split" => slot == 0,
        "Concat" => node.Input.All(_constants.Contains),
        _ => false,
    };

    WeightUse KindOf(NodeProto node, int slot)
    {
        var kind = WeightUses.Of(node, slot);
        // A table read at constant places is no look-up table, just a slice.
        return kind == WeightUse.Parametric && node.OpType.StartsWith("Gather", StringComparison.Ordinal) && node.Input.Count > 1 && _constants.Contains(node.Input[1]) ? WeightUse.Other : kind;
    }

    /// <summary>Whether a value that depends on inputs alone has the rank of a batch of images.</summary>
    bool IsImage(string name)
    {
        for (var steps = 0; steps < 16; steps++)
        {
            if (_graph.Inputs.All.FirstOrDefault(input => string.Equals(input.Name, name, StringComparison.Ordinal)) is { } input) return input.Dims.Count >= 4;
            if (_graph.Uses.MakerOf(name)?.Input.FirstOrDefault(operand => _inputSide.Contains(operand)) is not { } operand) return false;
            name = operand;
        }

        return false;
    }

    static bool IsPerChannel(WeightSource source) => source.Shape.Sizes.Span.ToArray().Count(size => size > 1) <= 1;

    /// <summary>
    /// Whether the numbers are a mask: some at or below −10⁴ and the others 0; or, for constants of the graph, zeros and ones both.
    /// </summary>
    static bool IsMask(WeightSource source, bool zeroOne)
    {
        var block = new double[Math.Min(source.Values.Count, 4096)];
        bool low = false, one = false, zero = false;
        if (!source.Values.HasDoubles) return false;
        for (long start = 0; start < source.Values.Count; start += block.Length)
        {
            var part = block.AsSpan(0, (int)Math.Min(block.Length, source.Values.Count - start));
            source.Values.ReadDoubles(start, part);
            foreach (var value in part)
            {
                if (value == 0) zero = true;
                else if (value <= MaskBelow) low = true;
                else if (value == 1 && zeroOne) one = true;
                else return false;
            }

            if (low && one) return false;
        }

        return low || (one && zero);
    }

    /// <summary>Names that do not depend on any input: initializers and whatever is computed from constants alone.</summary>
    static HashSet<string> Constants(OnnxGraph graph)
    {
        var constants = new HashSet<string>(graph.Initializers.Keys, StringComparer.Ordinal);
        foreach (var node in graph.AllNodes)
            if (GraphUses.OperandsOf(node).All(constants.Contains) && !RandomNumbers.AreDrawnBy(node.OpType))
                constants.UnionWith(node.Output);
        return constants;
    }

    /// <summary>Names computed from inputs and constants alone, before any operator that has weights.</summary>
    static HashSet<string> InputSide(OnnxGraph graph, HashSet<string> constants)
    {
        var side = new HashSet<string>(graph.Inputs.All.Select(input => input.Name), StringComparer.Ordinal);
        foreach (var node in graph.AllNodes)
        {
            if (node.Input.Count == 0 || !node.Input.Any(side.Contains)) continue;
            var passes = true;
            for (var slot = 0; slot < node.Input.Count && passes; slot++)
            {
                var input = node.Input[slot];
                if (input.Length == 0 || side.Contains(input)) passes = WeightUses.Of(node, slot) is WeightUse.Elementwise or WeightUse.ShapeOnly || IsResampling(node.OpType);
                else passes = constants.Contains(input);
            }

            if (passes) side.UnionWith(node.Output);
        }

        return side;
    }

    static bool IsResampling(string type) => type is "Resize" or "Upsample" or "Pad" or "Slice" or "Concat" or "Clip";

    readonly record struct Use(WeightUse Kind, bool MeetsInput, bool MeetsImage);
}
