using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Judge;

/// <summary>
/// The choices that make a random model, taken from a list of numbers; after its end every choice is the first. So a shorter list is a
/// simpler model, and CsCheck can shrink.
/// </summary>
sealed class Choices(int[] numbers)
{
    int _taken;

    /// <summary>Choices that will be the same as the next ones here.</summary>
    public Choices Replay() => new(_taken < numbers.Length ? numbers[_taken..] : []);

    public int Next(int count) => _taken < numbers.Length ? numbers[_taken++] % count : 0;

    public bool OneIn(int count) => Next(count) == count - 1;

    public T Of<T>(params ReadOnlySpan<T> options) => options[Next(options.Length)];
}

/// <summary>A model under construction: its parameters have few different values, which can be copied about until it is finished.</summary>
sealed class Draft(Choices choices)
{
    readonly List<(string Name, Shape Shape, Rational[] Values)> _tensors = [];

    readonly Rational[] _favourites = [AnyValue(choices), choices.Next(2) == 0 ? Rational.Zero : AnyValue(choices)];

    public Choices Choices { get; } = choices;

    public ProgramBuilder Builder { get; } = new();

    public Node Parameter(string name, params ReadOnlySpan<int> sizes)
    {
        var shape = new Shape(sizes);
        var style = Choices.Next(5);
        var uniform = StartValue();
        _tensors.Add((name, shape, [.. Enumerable.Range(0, (int)shape.Count).Select(k => style switch
        {
            0 => Distinct(k),
            1 or 2 => uniform,
            _ => StartValue(),
        })]));
        return Builder.Parameter(name, shape);
    }

    /// <summary>Makes one slice of some tensors along an axis a copy of another, or its negative: a duplicated or sign-flipped unit.</summary>
    public void CopyUnit(int units, params ReadOnlySpan<(string Name, int Axis, bool IsOutgoing)> sides)
    {
        if (units < 2 || Choices.Next(3) == 0) return;
        var (from, sign, outgoing) = (Choices.Next(units), Choices.Of(1, -1), Choices.Of(1, 1, 1, -1, 0));
        var to = (from + 1 + Choices.Next(units - 1)) % units;
        foreach (var (name, axis, isOutgoing) in sides)
        {
            if (isOutgoing && outgoing == 0) continue; // equal rows alone must not suffice
            var (_, shape, values) = Find(name);
            var stride = shape.Strides()[axis];
            for (var k = 0; k < values.Length; k++)
                if (k / stride % shape[axis] == to) values[k] = (isOutgoing ? sign * outgoing : sign) * values[k + (from - to) * stride];
        }
    }

    /// <summary>Gives one tensor the values of another of the same size, or their negatives.</summary>
    public void CopyTensor(string from, string to, int sign = 1)
    {
        var (source, target) = (Find(from).Values, Find(to).Values);
        for (var k = 0; k < source.Length; k++) target[k] = sign * source[k];
    }

    /// <summary>Makes the values read the same from behind, up to a sign.</summary>
    public void MakePalindrome(string name, int sign)
    {
        var values = Find(name).Values;
        for (var k = 0; k < values.Length / 2; k++) values[^(k + 1)] = sign * values[k];
        if (sign < 0 && values.Length % 2 == 1) values[values.Length / 2] = Rational.Zero;
    }

    public bool Has(string name) => Find(name).Values is not null;

    public void MakeSymmetric(string name, int width)
    {
        var values = Find(name).Values;
        for (var k = 0; k < values.Length; k++) values[k] = values[Math.Min(k, k % width * width + k / width)];
    }

    public Model Finish(Node output)
    {
        var isLoss = Choices.OneIn(4);
        if (isLoss && output.Shape.Rank > 0) output = Builder.ReduceSum(output, [.. Enumerable.Range(0, output.Shape.Rank)]);
        Builder.Output("y", output);
        if (!isLoss && Choices.OneIn(6) && Builder.Build().Nodes is var nodes) Builder.Output("inner", nodes[Choices.Next(nodes.Count)]);
        var parameters = _tensors.ConvertAll(tensor => new ParameterTensor(tensor.Name, tensor.Shape, Tensor(tensor.Values)));
        if (Choices.OneIn(12)) parameters.Add(new ParameterTensor("unused", Shape.Scalar, new UniformTensor(1, Rational.One)));
        var frozen = parameters.Count > 1 && Choices.OneIn(12) ? 1 : 0;
        return new Model { Program = Builder.Build(), Parameters = parameters[frozen..], Frozen = parameters[..frozen], OutputIsLoss = isLoss };
    }

    (string Name, Shape Shape, Rational[] Values) Find(string name) => _tensors.Find(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal));

    ExactTensor Tensor(Rational[] values) =>
        Array.TrueForAll(values, value => value == values[0]) && Choices.Next(2) == 0 ? new UniformTensor(values.Length, values[0])
        : Array.TrueForAll(values, value => value.TryGetDouble(out _)) ? new DoubleTensor([.. values.Select(value => value.ToDouble())])
        : new RationalTensor(values);

    // Half of all from a model's own two, so that equal ones abound.
    Rational StartValue() => Choices.Next(2) == 0 ? Choices.Of(_favourites) : AnyValue(Choices);

    static Rational AnyValue(Choices choices) => choices.Next(12) switch
    {
        0 => new Rational(1, 2),
        1 or 2 or 3 => Rational.Zero,
        4 or 5 => Rational.One,
        6 => -1,
        7 => new Rational(-1, 2),
        8 => 2,
        9 => new Rational(1, 10),
        10 => Rational.FromDouble(0.1), // not 1/10
        _ => new Rational(-1, 10),
    };

    // As a random initialisation would be: different from everything else in the model, and in differences and sums, too (a linear law of
    // the loss could otherwise keep together what no pattern does).
    Rational Distinct(int k)
    {
        var n = k + 31L * _tensors.Count + 2;
        return new Rational((k % 2 == 0 ? 1 : -1) * (n * n * n % 4093), 4096);
    }
}

/// <summary>Generators of small models, and how they are shown when a property fails.</summary>
static class RandomModels
{
    /// <summary>Expressions of single numbers.</summary>
    public static readonly Gen<Model> Scalars = Gen.Int[0, 1_000_000].Array[5, 120].Select(numbers => RandomExpressions.Build(new Draft(new Choices(numbers))));

    /// <summary>Small networks.</summary>
    public static readonly Gen<Model> Networks = Gen.Int[0, 1_000_000].Array[20, 200].Select(numbers => RandomNetworks.Build(new Draft(new Choices(numbers))));

    /// <summary>Tensors moved about at random.</summary>
    public static readonly Gen<Model> Movements = Gen.Int[0, 1_000_000].Array[10, 120].Select(numbers => RandomMovements.Build(new Draft(new Choices(numbers))));

    /// <summary>The program and the start values.</summary>
    public static string Show(Model model)
    {
        static string Values(ParameterTensor tensor) =>
            $"{tensor.Name} {tensor.Shape} = {string.Join(' ', Enumerable.Range(0, (int)tensor.Start.Count).Select(k => tensor.Start[k]))}\n";
        return "\n" + ProgramPrinter.Print(model.Program) + string.Concat(model.Parameters.Select(Values))
            + string.Concat(model.Frozen.Select(tensor => "frozen " + Values(tensor))) + (model.OutputIsLoss ? "the output is the loss\n" : "any loss\n");
    }
}
