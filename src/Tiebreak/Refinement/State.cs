using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// A candidate invariant set during refinement: for each parameter 0 (stuck) or ± its class, in any numbering; and the step at which each class
/// first moves. It is also the point at which the next round evaluates: stuck parameters keep their exact value, each class draws one.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="codes">One code a parameter, row-major, for each tensor.</param>
/// <param name="firstSteps">For each class its first step; index 0 unused.</param>
/// <param name="borrowed">The tensors whose arrays belong to a partition, and must stay as they are; null for none.</param>
sealed class State(Model model, int[][] codes, List<int> firstSteps, bool[]? borrowed = null)
{
    readonly Dictionary<string, ParameterTensor> _frozen = model.Frozen.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
    readonly Dictionary<string, int> _index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);

    public Model Model { get; } = model;

    /// <summary>One code a parameter, row-major, for each tensor.</summary>
    public int[][] Codes { get; } = codes;

    /// <summary>For each class its first step; index 0 unused.</summary>
    public List<int> FirstSteps { get; } = firstSteps;

    public int Classes => FirstSteps.Count - 1;

    /// <summary>What is known of gates in this set for any data, once it has been worked out; and whether it depends only on what is stuck, not on what is equal.</summary>
    public (bool IsKnown, bool IsOfStuck, Evaluation.GateDecisions? Decisions) Gates { get; set; }

    /// <summary>A weight that is never trained, by name; null for those that are.</summary>
    public ParameterTensor? Frozen(string name) => _frozen.GetValueOrDefault(name);

    public int IndexOf(string name) => _index[name];

    /// <summary>The optimistic start: nothing moves.</summary>
    public static State AllStuck(Model model) =>
        new(model, [.. model.Parameters.Select(parameter => new int[parameter.Shape.Count])], [0]);

    /// <summary>
    /// The optimistic start under weight decay (theory §3): what is not zero shrinks from step 1 on, and together with what has the same size and group, up to sign.
    /// </summary>
    public static State Decaying(Model model, Func<string, int> groupOf)
    {
        var (codes, firstSteps, starts) = (new int[model.Parameters.Count][], new List<int> { 0 }, new StartValues());
        var classes = new Dictionary<(int Group, ulong Magnitude), int>();
        for (var tensor = 0; tensor < codes.Length; tensor++)
        {
            var parameter = model.Parameters[tensor];
            var keys = new ulong[parameter.Shape.Count];
            starts.Read(parameter.Start, 0, keys);
            codes[tensor] = new int[keys.Length];
            for (var i = 0; i < keys.Length; i++)
            {
                if (keys[i] == 0) continue;
                var key = (groupOf(parameter.Name), StartValues.Magnitude(keys[i]));
                if (!classes.TryGetValue(key, out var number))
                {
                    classes.Add(key, number = firstSteps.Count);
                    firstSteps.Add(1);
                }

                codes[tensor][i] = StartValues.IsNegative(keys[i]) ? -number : number;
            }
        }

        return new State(model, codes, firstSteps);
    }

    /// <summary>A set found before, whose arrays are borrowed.</summary>
    public static State Of(Model model, Partition partition) =>
        new(model, [.. partition.Codes], [.. partition.FirstSteps], [.. partition.Codes.Select(_ => true)]);

    /// <summary>Whether the codes of a tensor belong to a partition.</summary>
    public bool Borrows(int tensor) => borrowed is not null && borrowed[tensor];

    /// <summary>The same set in the numbering of contract.md: classes by first appearance, their first member positive. Takes over the arrays of this state, which is used up.</summary>
    public Partition ToPartition()
    {
        var renumbered = HugePages.NewArray<int>(FirstSteps.Count); // signed: what the positive code becomes
        var steps = new int[FirstSteps.Count];
        var classes = 0;
        for (var k = 0; k < Codes.Length; k++)
        {
            if (Borrows(k)) Codes[k] = [.. Codes[k]];
            var tensor = Codes[k];
            for (var i = 0; i < tensor.Length; i++)
            {
                var code = tensor[i];
                if (code == 0) continue;
                var number = Math.Abs(code);
                if (renumbered[number] == 0)
                {
                    steps[++classes] = FirstSteps[number];
                    renumbered[number] = code > 0 ? classes : -classes;
                }

                tensor[i] = code > 0 ? renumbered[number] : -renumbered[number];
            }
        }

        return new Partition(Codes, steps);
    }
}

/// <summary>A random point of a state (theory §3, step 1): every evaluation draws its own.</summary>
sealed class RandomPoint(State state, ulong seed) : IParameterPoint
{
    public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
    {
        if (state.Frozen(name) is { } frozen)
        {
            ExactImages.Fill(field, frozen.Start, start, values);
            return;
        }

        var tensor = state.IndexOf(name);
        var codes = state.Codes[tensor].AsSpan((int)start, values.Length);
        var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose("parameters"));
        if (codes.Contains(0)) ExactImages.Fill(field, state.Model.Parameters[tensor].Start, start, values);
        int lastCode = 0;
        ulong lastValue = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var code = codes[i];
            if (code == 0) continue;
            if (code != lastCode)
            {
                lastCode = code;
                lastValue = typeof(TField) == typeof(ZeroPattern) ? 1 : random.Below(field.Modulus, (ulong)Math.Abs(code));
                if (code < 0) lastValue = field.Negate(lastValue);
            }

            values[i] = lastValue;
        }
    }
}
